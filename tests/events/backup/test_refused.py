"""Whatever is wrong with a backup is found before anything is changed, and said in a sentence."""

import json
import random
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from events.backup.restore import restore
from events.backup.trouble import BackupError, BadBackupError
from events.backup.verify import verify
from events.backup.write import SEAL, seal
from events.models import PssEvent
from tests.events.backup.hall import rehash, repack
from tournaments.models import Tournament

pytestmark = pytest.mark.django_db

EVENTS = "data/events.pssevent.ndjson"
Members = dict[str, bytes]
Manifest = dict[str, Any]


def refused(path: Path, words: str) -> None:
    """The file is neither verified nor restored, says why, and nothing has changed."""
    before = Tournament.objects.count(), PssEvent.objects.count()
    with pytest.raises(BackupError, match=words):
        restore(path)
    with pytest.raises(BackupError, match=words):
        verify(path)
    assert (Tournament.objects.count(), PssEvent.objects.count()) == before


def test_backup_with_any_byte_flipped_is_refused(backup: Path, tmp_path: Path) -> None:
    content = backup.read_bytes()
    chance = random.Random(7)
    # Every part of the file: heads, bodies, directory, and all of the seal.
    step = len(content) // 150
    places = [chance.randrange(n, n + step) for n in range(0, len(content) - step, step)]
    places += range(len(content) - len(SEAL) - 64 - 22, len(content))
    bad = tmp_path / "bad.zip"
    for place in places:
        bad.write_bytes(
            content[:place] + bytes([content[place] ^ (1 << chance.randrange(8))]) + content[place + 1 :]
        )
        with pytest.raises(BadBackupError):
            restore(bad, dry_run=True)


def test_backup_cut_or_lengthened_anywhere_is_refused(backup: Path, tmp_path: Path) -> None:
    content = backup.read_bytes()
    bad = tmp_path / "bad.zip"
    for end in [*range(0, len(content), len(content) // 40), len(content) - 1]:
        bad.write_bytes(content[:end])
        with pytest.raises(BadBackupError):
            restore(bad, dry_run=True)
    for more in (b"\0", b"PK\5\6" + bytes(18), content):
        bad.write_bytes(content + more)
        with pytest.raises(BadBackupError):
            restore(bad, dry_run=True)
        bad.write_bytes(more + content[: -len(SEAL) - 64] + content[-len(SEAL) - 64 :])
        with pytest.raises(BadBackupError):
            restore(bad, dry_run=True)


def test_something_else_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    other.write_bytes(b"Not a backup." * 20)
    refused(other, "not a backup")
    refused(tmp_path / "nothing.zip", "cannot be read")
    refused(tmp_path, "cannot be read")


def edit_rows(member: str, edit: Callable[[list[Any]], list[Any]]) -> Callable[[Manifest, Members], None]:
    """A change of a member's rows that keeps every hash true."""

    def change(manifest: Manifest, members: Members) -> None:
        rows = edit([json.loads(line) for line in members[member].splitlines()])
        members[member] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        rehash(manifest, members)

    return change


def with_manifest(**fields: Any) -> Callable[[Manifest, Members], None]:
    return lambda manifest, members: manifest.update(fields)


def rename(manifest: Manifest, members: Members) -> None:
    members["data/events.other.ndjson"] = members.pop(EVENTS)


def rename_everywhere(manifest: Manifest, members: Members) -> None:
    rename(manifest, members)
    next(f for f in manifest["files"] if f["name"] == EVENTS)["name"] = "data/events.other.ndjson"


def name_users(manifest: Manifest, members: Members) -> None:
    members["data/auth.user.ndjson"] = b'[1,"root"]\n'
    file = {"name": "data/auth.user.ndjson", "model": "auth.user", "columns": ["id", "username"]}
    manifest["files"].append(manifest["files"][0] | file)
    rehash(manifest, members)


def name_accounts(manifest: Manifest, members: Members) -> None:
    file = next(f for f in manifest["files"] if f["model"] == "tournaments.contextchange")
    file["columns"] = [name.replace("user.username", "user_id") for name in file["columns"]]


def set_value(column: int, value: Any) -> Callable[[list[Any]], list[Any]]:
    def edit(rows: list[Any]) -> list[Any]:
        rows[3][column] = value
        return rows

    return edit


BAD: dict[str, tuple[Callable[[Manifest, Members], None], str]] = {
    "newer format": (with_manifest(version=2), "format 2.*Update"),
    "other format": (with_manifest(format="zip"), "not a backup"),
    "no format": (with_manifest(version="1"), "which format"),
    "newer migration": (with_manifest(migrations={"events": ["0999_more"]}), "newer version.*Update"),
    "no manifest fields": (with_manifest(tournament=3), "not complete"),
    "hash": (lambda manifest, m: manifest["files"][0].update(sha256="0" * 64), "the hash is another"),
    "size": (lambda manifest, m: manifest["files"][0].update(bytes=10**6), "the size is another"),
    "rows": (lambda manifest, m: manifest["files"][-1].update(rows=1), "rows, its manifest says"),
    "missing": (lambda manifest, m: m.pop(EVENTS), "A file is missing"),
    "surplus": (lambda manifest, m: m.update({"data/events.more.ndjson": b""}), "a file too many"),
    "renamed": (rename, "a file too many"),
    "renamed in the manifest too": (rename_everywhere, "which no backup has"),
    "path up": (lambda manifest, m: m.update({"../../etc/passwd": b""}), "path leads out"),
    "path from the root": (lambda manifest, m: m.update({"/etc/passwd": b""}), "path leads out"),
    "path of windows": (lambda manifest, m: m.update({"C:\\x": b""}), "path leads out"),
    "directory": (lambda manifest, m: m.update({"data/": b""}), "a link or a directory"),
    "users": (name_users, "users or permissions"),
    "accounts": (name_accounts, "names accounts"),
    "key twice": (edit_rows(EVENTS, lambda rows: [*rows, rows[-1]]), "again, or out of order"),
    "key out of order": (edit_rows(EVENTS, lambda rows: rows[::-1]), "again, or out of order"),
    "same event twice": (
        edit_rows(EVENTS, lambda rows: [*rows, [rows[-1][0] + 1, *rows[-1][1:]]]),
        "do not fit together",
    ),
    "two tournaments": (
        edit_rows("data/tournaments.tournament.ndjson", lambda rows: [*rows, [rows[0][0] + 1, *rows[0][1:]]]),
        "exactly one tournament",
    ),
    "reference to nothing": (edit_rows(EVENTS, set_value(1, 999_999)), "which it does not hold"),
    "text for a number": (edit_rows(EVENTS, set_value(2, "1; DROP TABLE")), "cannot be read"),
    "no time": (edit_rows(EVENTS, set_value(-2, "yesterday")), "cannot be read"),
    "no details": (edit_rows(EVENTS, set_value(-6, "{")), "cannot be read"),
    "a column too few": (edit_rows(EVENTS, lambda rows: [row[:-1] for row in rows]), "cannot be read"),
    "no JSON": (lambda manifest, m: (m.update({EVENTS: b"x\n"}), rehash(manifest, m)), "cannot be read"),
}


@pytest.mark.parametrize("what", BAD)
def test_backup_made_up_with_a_true_seal_is_refused(backup: Path, tmp_path: Path, what: str) -> None:
    change, words = BAD[what]

    refused(repack(backup, tmp_path / "bad.zip", change), words)


def sealed(path: Path, *entries: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
        archive.comment = SEAL + b"0" * 64
    seal(path)
    return path


def members(path: Path) -> list[tuple[zipfile.ZipInfo | str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def test_link_in_a_backup_is_refused(backup: Path, tmp_path: Path) -> None:
    link = zipfile.ZipInfo(EVENTS)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    entries = [(link if name == EVENTS else name, content) for name, content in members(backup)]

    refused(sealed(tmp_path / "bad.zip", *entries), "a link or a directory")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_file_twice_in_a_backup_is_refused(backup: Path, tmp_path: Path) -> None:
    entries = members(backup)
    twice = next(entry for entry in entries if entry[0] == EVENTS)

    refused(sealed(tmp_path / "bad.zip", *entries, twice), "a file twice")
    refused(sealed(tmp_path / "bad.zip", *entries, entries[-1]), "more than one")


def test_key_twice_in_the_manifest_is_refused(backup: Path, tmp_path: Path) -> None:
    entries = members(backup)
    entries[-1] = ("manifest.json", entries[-1][1].rstrip()[:-1] + b', "version": 1}')

    refused(sealed(tmp_path / "bad.zip", *entries), "a key twice")


def test_bomb_is_refused_before_it_is_unpacked(backup: Path, tmp_path: Path) -> None:
    def bomb(manifest: Manifest, packed: Members) -> None:
        packed[EVENTS] = b"[]\n" * 10_000_000
        rehash(manifest, packed)

    refused(repack(backup, tmp_path / "bad.zip", bomb), "far more than any tournament has")


def test_bomb_that_lies_about_its_size_is_refused(backup: Path, tmp_path: Path) -> None:
    """The sizes in the zip's headers are what a maker of bombs writes there."""
    path = tmp_path / "bad.zip"
    entries = [
        (name, b"[]\n" * 1_000_000 if name == EVENTS else content) for name, content in members(backup)
    ]
    sealed(path, *entries)
    with zipfile.ZipFile(backup) as archive:
        true_size = archive.getinfo(EVENTS).file_size
    content = path.read_bytes().replace((3_000_000).to_bytes(4, "little"), true_size.to_bytes(4, "little"))
    path.write_bytes(content)
    seal(path)

    refused(path, "cannot be unpacked|hash is another|larger than it says")


def test_manifest_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    refused(sealed(tmp_path / "bad.zip", ("manifest.json", b" " * 20_000_000)), "larger than it says")
