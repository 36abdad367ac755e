"""What a request says in its fields and its address, where no form reads it, and who asks."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest

#: Digits of the largest number that is taken: as many fit into a key on both databases.
_DIGITS = 18


def whole_number(text: str | None) -> int | None:
    """None for whatever is no whole number of at most 18 digits, from 0 on."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


def key_of(text: str | None) -> int:
    """The key of a row; 0, which no row has, for whatever is none."""
    return whole_number(text) or 0


def signed_in(request: HttpRequest) -> User:
    """Who asks, on a page that only those see who have signed in."""
    assert isinstance(request.user, User)
    return request.user
