"""Invented athletes and officials of many countries.

Their names are common ones put together at random; any likeness is chance. Many hold accents,
Cyrillic, Hangul or CJK, because those are what the real sender cuts short.
"""

import random
from dataclasses import dataclass

# IOC code: (family names, given names), as a scoreboard of that country would write them.
_NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "KOR": (("LEE", "KIM", "PARK", "김민준", "이서연"), ("Dohyun", "Minji", "Jiho")),
    "CHN": (("ZHANG", "WANG", "李小明", "王芳"), ("Wei", "Jing", "Hao")),
    "TPE": (("LIN", "陳怡君", "CHEN"), ("Yu", "Chia")),
    "JPN": (("SUZUKI", "TANAKA", "山田"), ("Miyu", "Ren")),
    "ESP": (("ÁLVAREZ", "MUÑOZ", "GARCIA"), ("Íñigo", "Lucía", "Marta")),
    "MEX": (("NÚÑEZ", "LOPEZ", "PEÑA"), ("José", "Daniela")),
    "BRA": (("GONÇALVES", "SILVA"), ("João", "Beatriz")),
    "ITA": (("DELL'ORTO", "ROSSI", "BIANCHI"), ("Vito", "Chiara")),
    "FRA": (("LEFÈVRE", "DUPONT"), ("Zoé", "Hugo")),
    "GER": (("MÜLLER", "SCHRÖDER", "WEISS"), ("Jörg", "Lena")),
    "TUR": (("YILDIZ", "ŞAHİN", "ÇELİK"), ("Efe", "Zeynep")),
    "SRB": (("JOVANOVIĆ", "PETROVIĆ"), ("Miloš", "Ana")),
    "CRO": (("HORVAT", "KOVAČIĆ"), ("Ivan", "Maja")),
    "RUS": (("ИВАНОВ", "ЩЕРБАКОВА"), ("Артём", "Мария")),
    "KAZ": (("АХМЕТОВ", "SEITOV"), ("Нұрлан", "Aigerim")),
    "UZB": (("RASULOV", "KARIMOVA"), ("Timur", "Dilnoza")),
    "GRE": (("ΠΑΠΠΑΣ", "NIKOLAOU"), ("Γιώργος", "Eleni")),
    "IRI": (("AHMADI", "HOSSEINI"), ("Reza", "Mina")),
    "JOR": (("HADDAD", "NASSER"), ("Saleh", "Rama")),
    "EGY": (("MAHMOUD", "SALEM"), ("Omar", "Nour")),
    "CIV": (("KONÉ", "BAMBA"), ("Aya", "Cheick")),
    "KEN": (("OTIENO", "WANJIRU"), ("Faith", "Brian")),
    "THA": (("SRISUK", "CHAIYA"), ("Ploy", "Nattapong")),
    "VIE": (("NGUYỄN", "TRẦN"), ("Thị Hà", "Văn Duy")),
    "USA": (("SMITH", "O'BRIEN", "JOHNSON"), ("Jordan", "Ashley")),
    "GBR": (("TAYLOR", "WILLIAMS"), ("Oliver", "Bianca")),
    "AUS": (("BROWN", "NGUYEN"), ("Jack", "Ruby")),
    "NOR": (("ØSTBYE", "HANSEN"), ("Håkon", "Ida")),
}
COUNTRIES = tuple(_NAMES)


@dataclass(frozen=True, slots=True)
class Person:
    """An athlete or official: the scoreboard's short name, the long one, the IOC code."""

    short: str
    long: str
    ioc: str


def invent(rng: random.Random, ioc: str) -> Person:
    """A person of that country."""
    families, givens = _NAMES[ioc]
    family, given = rng.choice(families), rng.choice(givens)
    return Person(f"{family} {given[0]}", f"{family} {given}", ioc)


def invent_several(rng: random.Random, count: int) -> list[Person]:
    """`count` persons, each of another country."""
    return [invent(rng, ioc) for ioc in rng.sample(COUNTRIES, count)]
