"""manage.py context."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.factories import CourtFactory, make_day
from tournaments.context import get_context
from tournaments.models import ContextChange

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command("context", *words, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def run_json(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


def test_set_puts_a_day_in_force_on_one_court() -> None:
    day = make_day(name="Berlin Open")
    court, other = CourtFactory(number=31), CourtFactory(number=32)

    words = run("set", "--court", "31", "--tournament", "berlin-open", "--day", "1")

    change = get_context(court)
    assert change is not None
    assert change.day == day
    assert get_context(other) is None
    assert words.startswith(f"Active on {court} since ")


def test_set_prints_json() -> None:
    make_day(name="Berlin Open")
    told = run_json("set", "--tournament", "berlin-open", "--day", "2")
    assert (told["court"], told["tournament"], told["day"], told["date"]) == (
        None,
        "berlin-open",
        2,
        "2026-11-22",
    )


def test_show_tells_all_courts_and_each() -> None:
    make_day(name="Berlin Open")
    court = CourtFactory()
    run("set", "--tournament", "berlin-open", "--day", "1")
    run("clear", "--court", str(court.number))

    everywhere, one = run_json("show")["courts"]

    assert (everywhere["court"], everywhere["day"]) == (None, 1)
    assert (one["court"], one["day"]) == (court.number, None)
    assert run("show").splitlines()[1].startswith(f"{court}: no day, since ")


def test_show_says_so_when_nothing_was_ever_set() -> None:
    assert run("show") == "All courts: no day"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["set"], "Say which day: --tournament SLUG --day N."),
        (
            ["set", "--tournament", "x", "--day", "1"],
            "There is no tournament “x”. There are: berlin-open.",
        ),
        (
            ["set", "--tournament", "berlin-open", "--day", "9"],
            "Berlin Open has days 1 to 2; there is no day 9.",
        ),
        (["clear", "--court", "77"], "There is no court 77. There are: none yet."),
        (["clear", "--day", "1"], "--tournament and --day go with “set” only."),
    ],
)
def test_mistakes_are_named_and_change_nothing(words: list[str], error: str) -> None:
    make_day(name="Berlin Open")
    with pytest.raises(CommandError) as raised:
        run(*words)
    assert str(raised.value) == error
    assert not ContextChange.objects.exists()


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("context", "--help")
    assert "manage.py context set --court 3 --tournament" in capsys.readouterr().out
