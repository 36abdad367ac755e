"""A file to send to whoever helps: how the installation is set up and how it does, and nobody's data.

Settings are told by name from a list of harmless ones. Logs are cut down to what the program itself
says: the text of errors, which can quote what was sent, is left out, and names of athletes, officials and
users, passwords, keys and tokens are blacked out. Of the journal only the headers are told.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder

from events.models import Athlete, Match
from ingest import ledger
from ingest.journal import JournalReader, list_segments
from restrike.preflight import Preflight
from restrike.troubles import in_plain_words

#: Bytes from the end of each log file.
LOG_TAIL = 300_000
HIDDEN = "[hidden]"
#: Harmless whatever they hold. All other settings are only told to be set or not.
_TOLD = (
    "ALLOWED_HOSTS",
    "ARCHIVE_AFTER_DAYS",
    "BACKUP_EVERY_MINUTES",
    "DEBUG",
    "DEMO",
    "HTTPS",
    "INGEST_AUTO_COURTS",
    "INGEST_BATCH_SIZE",
    "INGEST_FLUSH_MS",
    "INGEST_LISTEN",
    "INGEST_NODE",
    "JOURNAL_KEEP_DAYS",
    "JOURNAL_SEGMENT_MB",
    "LOG_LEVEL",
    "SESSION_IDLE_S",
    "TIME_ZONE",
)
_SET_OR_NOT = (
    "ALERT_EMAIL_TO",
    "ALERT_WEBHOOK_SECRET",
    "ALERT_WEBHOOK_URL",
    "BACKUP_COPY_DIR",
    "BACKUP_DIR",
    "CSRF_TRUSTED_ORIGINS",
    "METRICS_TOKEN",
    "SECRET_KEY",
)
_PASSWORD_IN_URL = re.compile(r"(\w+://)[^\s/@]*@")
_ASSIGNED = re.compile(
    r"(?i)((?:password|passwd|pwd|secret|token|sessionid|csrftoken|authorization|username)['\"]?\s*[:=]\s*)"
    r"(?:\"[^\"]*\"?|'[^']*'?|(?:bearer\s+)?[^\s'\",;}]+)"
)
_BEGINS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ +[\w.]+: ")
_PLACE = re.compile(r'  File "[^"]+", line \d+, in \S+')
_ERROR = re.compile(r"([A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit|Gone|Importer)): .+")
_WIRE = re.compile(r"\b(?:at1|mch|ref|wmh|win|pt[12]|hl[12]|wg1|sc[12]|s1?1);.*")
_README = """What is in here, for whoever helps with reStrike VTA. Nothing of it was sent anywhere.

versions.json   the program, Python, the database and the libraries
settings.json   settings; keys, passwords and places are hidden
status.json     what was received and stored, and the pre-flight list without a test
logs/           the end of each log; names, passwords and the text of errors are left out
journal.json    the files of the journal: sizes and numbers, nothing of what is in them

No messages of the scoring systems, no names of athletes, officials or users.
"""


def write_bundle(path: Path) -> list[str]:
    """Writes the zip file, readable by its owner alone; returns the names in it. FileExistsError, OSError."""
    secrets = Redaction.load()
    with (
        open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle,
    ):
        for name, text in _parts(secrets):
            bundle.writestr(name, text)
        return bundle.namelist()


class Redaction:
    """Blacks out what is secret, and the names of people."""

    def __init__(self, secrets: Iterable[str], names: Iterable[str]) -> None:
        home = str(Path.home())
        self._secrets = sorted({s for s in secrets if len(s) > 3}, key=len, reverse=True)
        # A name of one or two letters would black out half of the text, and tells nobody anything.
        self._names = sorted({n.casefold() for n in names if len(n) > 2}, key=len, reverse=True)
        self._home = home if len(home) > 1 else ""

    @classmethod
    def load(cls) -> Redaction:
        """With the secrets of the settings and the names in the database, as far as that answers."""
        database = settings.DATABASES["default"]
        secrets = [
            settings.SECRET_KEY,
            settings.METRICS_TOKEN,
            settings.ALERT_WEBHOOK_SECRET,
            # Often the address itself is all it takes to post there.
            settings.ALERT_WEBHOOK_URL,
            *settings.ALERT_EMAIL_TO,
            settings.EMAIL_HOST_PASSWORD,
            str(database.get("PASSWORD") or ""),
        ]
        names: list[str] = []
        try:
            for athlete in Athlete.objects.values_list("name", "short_name"):
                names += athlete
            for user in User.objects.values_list("username", "first_name", "last_name", "email"):
                names += user
            for referees in Match.objects.exclude(referees={}).values_list("referees", flat=True):
                names += _names_in(referees)
        except DatabaseError:
            pass
        return cls(secrets, names)

    def line(self, text: str) -> str:
        """One line of text, without what nobody else should read."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        text = _PASSWORD_IN_URL.sub(rf"\1{HIDDEN}@", text)
        text = _ASSIGNED.sub(rf"\1{HIDDEN}", text)
        text = _WIRE.sub(HIDDEN, text)
        if self._home:
            text = text.replace(self._home, "~")
        folded = text.casefold()
        for name in self._names:
            if name in folded:
                text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", HIDDEN, text, flags=re.IGNORECASE)
        return text

    def everywhere(self, value: Any) -> Any:
        """A JSON-able value with each of its texts so treated."""
        if isinstance(value, str):
            return self.line(value)
        if isinstance(value, dict):
            return {key: self.everywhere(item) for key, item in value.items()}
        return [self.everywhere(item) for item in value] if isinstance(value, list) else value

    def log(self, text: str) -> Iterator[str]:
        """The lines that the program itself wrote; of errors their kind and their place alone."""
        for line in text.splitlines():
            if _BEGINS.match(line) or _PLACE.match(line) or line == "Traceback (most recent call last):":
                yield self.line(line)
            elif error := _ERROR.match(line):
                yield f"{error[1]}: {HIDDEN}"


def _parts(redaction: Redaction) -> Iterator[tuple[str, str]]:
    yield "README.txt", _README
    yield "versions.json", _json(_versions())
    yield "settings.json", _json(_settings(redaction))
    yield "status.json", _json(redaction.everywhere(_status()))
    yield "journal.json", _json(_journals())
    var = Path(settings.RESTRIKE_VAR)
    # Of what the pages began, too: there is why it failed.
    for path in sorted([*(var / "logs").glob("*.log*"), *(var / "tmp" / "actions").glob("*.log")]):
        if lines := list(redaction.log(_tail(path))):
            yield f"logs/{path.name}", "\n".join(lines) + "\n"


def _versions() -> dict[str, Any]:
    found: dict[str, Any] = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": os.cpu_count(),
        "libraries": {
            name: distribution.version
            for distribution in metadata.distributions()
            if (name := distribution.metadata["Name"])
        },
    }
    try:
        connection.ensure_connection()
        found["database"] = f"{connection.vendor} {'.'.join(map(str, connection.get_database_version()))}"
        found["migrations"] = sorted(
            ".".join(key) for key in MigrationRecorder(connection).applied_migrations()
        )
    except DatabaseError as error:
        found["database"] = f"{connection.vendor}: {type(error).__name__}"
    return found


def _settings(redaction: Redaction) -> dict[str, Any]:
    database = settings.DATABASES["default"]
    return {
        **{name: getattr(settings, name) for name in _TOLD if hasattr(settings, name)},
        **{name: "set" if getattr(settings, name) else "not set" for name in _SET_OR_NOT},
        "RESTRIKE_VAR": redaction.line(str(settings.RESTRIKE_VAR)),
        "DATABASE": database["ENGINE"].rpartition(".")[2],
        "CACHE": settings.CACHES["default"]["BACKEND"].rpartition(".")[2],
    }


def _status() -> dict[str, Any]:
    try:
        now = ledger.read()
    except DatabaseError as error:
        return {"trouble": in_plain_words(error) or type(error).__name__}
    return {
        **now.as_dict(),
        "sentences": now.sentences(),
        "preflight": [line.as_dict() for line in Preflight().lines()],
    }


def _journals() -> dict[str, Any]:
    found = {}
    for directory in sorted((Path(settings.RESTRIKE_VAR) / "journal").glob("*")):
        if directory.is_dir():
            segments = [info._asdict() for info in list_segments(directory)]
            found[directory.name] = {"uuid": JournalReader(directory).uuid, "segments": segments}
    return found


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - LOG_TAIL, 0))
        return file.read().decode("utf-8", "replace")


def _names_in(value: Any) -> Iterator[str]:
    """Every name, at whatever depth."""
    if isinstance(value, dict):
        if isinstance(name := value.get("name"), str):
            yield name
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _names_in(item)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str)
