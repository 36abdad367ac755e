"""The parser in force, seen from the app that may not import it.

`settings.EVENT_READER` names a module with the functions of `Reader`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from django.conf import settings

from events.match_state import Told


class ReadMessage(Told, Protocol):
    """A parsed message; the attributes are those of `events.models.PssEvent`."""

    @property
    def error(self) -> str: ...


class Recorded(Protocol):
    """A recorded file, to be iterated over once."""

    def __iter__(self) -> Iterator[tuple[int, str, int, Sequence[ReadMessage]]]:
        """Time (ns), source, local port and messages of each datagram."""

    def fraction(self) -> float:
        """How much of the file is read, from 0 to 1."""


class Reader(Protocol):
    def to_bytes(self, raw: str) -> bytes:
        """The bytes as they came, from the stored text."""

    def read(self, raw: str, dialect: str) -> Sequence[ReadMessage]:
        """The stored text parsed anew."""

    def recorded(self, path: Path) -> Recorded:
        """The datagrams of a file. ValueError: it is none."""

    def court_finder(self) -> Callable[[int, str], int | None]:
        """Finds the court (key) of a local port and a source, as the courts are now."""

    def shape(self, raw: str) -> str:
        """What a message that could not be read looks like; groups unknown messages."""


def reader() -> Reader:
    return cast(Reader, import_module(settings.EVENT_READER))
