"""Which flag stands for which country: the codes of the IOC, and the packaged pictures.

The pictures in `static/vendor/flags/` are named by ISO 3166 and come from the npm package
country-flag-icons (MIT, its licence lies beside them). A code without a picture is shown as letters in
a neutral box: neutral athletes (AIN) and the refugee team (EOR, ROT) compete without a flag, Chinese Taipei
(TPE) under one of its Olympic committee, and a code that is new or was cut short must not be guessed at.
"""

from __future__ import annotations

# The last line are members of continental unions and guests without an Olympic committee.
_CODES = """
AFG AF  ALB AL  ALG DZ  AND AD  ANG AO  ANT AG  ARG AR  ARM AM  ARU AW  ASA AS  AUS AU  AUT AT  AZE AZ
BAH BS  BAN BD  BAR BB  BDI BI  BEL BE  BEN BJ  BER BM  BHU BT  BIH BA  BIZ BZ  BLR BY  BOL BO  BOT BW
BRA BR  BRN BH  BRU BN  BUL BG  BUR BF  CAF CF  CAM KH  CAN CA  CAY KY  CGO CG  CHA TD  CHI CL  CHN CN
CIV CI  CMR CM  COD CD  COK CK  COL CO  COM KM  CPV CV  CRC CR  CRO HR  CUB CU  CYP CY  CZE CZ  DEN DK
DJI DJ  DMA DM  DOM DO  ECU EC  EGY EG  ERI ER  ESA SV  ESP ES  EST EE  ETH ET  FIJ FJ  FIN FI  FRA FR
FSM FM  GAB GA  GAM GM  GBR GB  GBS GW  GEO GE  GEQ GQ  GER DE  GHA GH  GRE GR  GRN GD  GUA GT  GUI GN
GUM GU  GUY GY  HAI HT  HKG HK  HON HN  HUN HU  INA ID  IND IN  IRI IR  IRL IE  IRQ IQ  ISL IS  ISR IL
ISV VI  ITA IT  IVB VG  JAM JM  JOR JO  JPN JP  KAZ KZ  KEN KE  KGZ KG  KIR KI  KOR KR  KOS XK  KSA SA
KUW KW  LAO LA  LAT LV  LBA LY  LBN LB  LBR LR  LCA LC  LES LS  LIE LI  LTU LT  LUX LU  MAD MG  MAR MA
MAS MY  MAW MW  MDA MD  MDV MV  MEX MX  MGL MN  MHL MH  MKD MK  MLI ML  MLT MT  MNE ME  MON MC  MOZ MZ
MRI MU  MTN MR  MYA MM  NAM NA  NCA NI  NED NL  NEP NP  NGR NG  NIG NE  NOR NO  NRU NR  NZL NZ  OMA OM
PAK PK  PAN PA  PAR PY  PER PE  PHI PH  PLE PS  PLW PW  PNG PG  POL PL  POR PT  PRK KP  PUR PR  QAT QA
ROU RO  RSA ZA  RUS RU  RWA RW  SAM WS  SEN SN  SEY SC  SGP SG  SKN KN  SLE SL  SLO SI  SMR SM  SOL SB
SOM SO  SRB RS  SRI LK  SSD SS  STP ST  SUD SD  SUI CH  SUR SR  SVK SK  SWE SE  SWZ SZ  SYR SY  TAN TZ
TGA TO  THA TH  TJK TJ  TKM TM  TLS TL  TOG TG  TTO TT  TUN TN  TUR TR  TUV TV  UAE AE  UGA UG  UKR UA
URU UY  USA US  UZB UZ  VAN VU  VEN VE  VIE VN  VIN VC  YEM YE  ZAM ZM  ZIM ZW
ENG GB-ENG  SCO GB-SCT  WAL GB-WLS  MAC MO  GIB GI  FRO FO  NCL NC  PYF PF  GDL GP  MTQ MQ
"""

# IOC code -> name of the picture.
FLAGS: dict[str, str] = dict(zip(*[iter(_CODES.split())] * 2, strict=True))

DIRECTORY = "vendor/flags"


def flag_of(code: str | None) -> str:
    """The picture of an IOC code, as 'DE' for GER; '' where letters have to do."""
    return FLAGS.get((code or "").strip().upper(), "")
