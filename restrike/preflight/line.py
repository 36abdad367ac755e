"""One line of the pre-flight list."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Unknown: this machine cannot tell, or it was not tried; a person has to look."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """`says`: what was found; `mend`: what to do about it, always there when it is bad."""

    key: str
    title: str
    state: State
    says: str
    mend: str = ""

    @property
    def is_good(self) -> bool:
        return self.state is State.GOOD

    @property
    def is_bad(self) -> bool:
        return self.state is State.BAD

    def as_dict(self) -> dict[str, str]:
        return {
            "key": self.key,
            "title": self.title,
            "state": self.state.value,
            "says": self.says,
            "mend": self.mend,
        }


def good(key: str, title: str, says: str) -> Line:
    return Line(key, title, State.GOOD, says)


def bad(key: str, title: str, says: str, mend: str) -> Line:
    return Line(key, title, State.BAD, says, mend)


def unknown(key: str, title: str, says: str, mend: str = "") -> Line:
    return Line(key, title, State.UNKNOWN, says, mend)
