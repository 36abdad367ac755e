"""manage.py context: which day is in force, from a terminal."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.formats import date_format

from tournaments import announce
from tournaments.context import ContextTimeline, get_context, set_context
from tournaments.lookup import find_court, find_day
from tournaments.models import ContextChange, Court, TournamentDay

EXAMPLES = """
examples:
  manage.py context show
  manage.py context set --tournament berlin-open-2026 --day 2
  manage.py context set --court 3 --tournament berlin-open-2026 --day 2
  manage.py context clear --court 3
"""


class Command(BaseCommand):
    help = "Show, set or clear the active tournament day, on one court or on all of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXAMPLES
        parser.add_argument("do", choices=["show", "set", "clear"], metavar="show | set | clear")
        parser.add_argument(
            "--court", type=int, metavar="N", help="number of the court; all courts if left out"
        )
        parser.add_argument("--tournament", metavar="SLUG", help="short name of the tournament, as in “show”")
        parser.add_argument("--day", type=int, metavar="N", help="number of its day, from 1")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        court = find_court(options["court"]) if options["court"] is not None else None
        if options["do"] != "set" and (options["tournament"] or options["day"] is not None):
            raise CommandError("--tournament and --day go with “set” only.")
        if options["do"] == "show":
            found = _show(court)
            self._print(options["json"], found, "\n".join(_line(entry) for entry in found["courts"]))
            return
        day = find_day(options["tournament"], options["day"]) if options["do"] == "set" else None
        change = set_context(day, court=court)
        if day and (warning := announce.not_today(day)):
            self.stderr.write(self.style.WARNING(warning))
        self._print(options["json"], _change(change), announce.in_force(change, [court]))

    def _print(self, as_json: bool, data: Any, words: str) -> None:
        self.stdout.write(json.dumps(data, ensure_ascii=False) if as_json else words)


def _show(court: Court | None) -> dict[str, Any]:
    """What holds now: first where no court has its own, then on each court."""
    timeline = ContextTimeline.load()
    now = timezone.now()
    courts: list[Court | None] = [court] if court else [None, *Court.objects.all()]
    days = TournamentDay.objects.select_related("tournament").in_bulk()
    found = []
    for one in courts:
        change = get_context(one, now)
        day_id = timeline.day_id_at(one.pk if one else None, now)
        found.append(_entry(one, days.get(day_id) if day_id else None, change))
    return {"courts": found}


def _entry(court: Court | None, day: TournamentDay | None, change: ContextChange | None) -> dict[str, Any]:
    return {
        "court": court.number if court else None,
        "name": str(court) if court else "All courts",
        "tournament": day.tournament.slug if day else None,
        "day": day.number if day else None,
        "date": day.date.isoformat() if day else None,
        "title": str(day) if day else None,
        "since": change.effective_at.isoformat() if change else None,
    }


def _change(change: ContextChange) -> dict[str, Any]:
    return _entry(change.court, change.day, change)


def _line(entry: dict[str, Any]) -> str:
    what = f"{entry['title']} [{entry['tournament']}]" if entry["title"] else "no day"
    return f"{entry['name']}: {what}" + (f", since {_since(entry)}" if entry["since"] else "")


def _since(entry: dict[str, Any]) -> str:
    moment = datetime.fromisoformat(entry["since"])
    return date_format(timezone.localtime(moment), "D j M Y, H:i:s")
