"""`manage.py move_events`: stored events under another day, after a backup."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

from events.backup.command import BackupCommand
from events.backup.make import backup_before
from events.backup.trouble import BackupError
from events.forms import WITHOUT, MoveForm
from events.moves import ArchivedEventsError, NumbersChangedError, Preview, move_events, preview
from tournaments.forms import ALL_COURTS, NO_DAY
from tournaments.lookup import find_court, find_day


class Command(BackupCommand):
    help = (
        "Puts events that came under the wrong day, or under none, under the right one, with their matches\n"
        "and totals. The tournaments concerned are backed up first. All of them move or, when anything is\n"
        "wrong, none.\n\n"
        "Example: manage.py move_events --from 2026-05-16T09:00 --to 2026-05-16T12:30 \\\n"
        "             --tournament berlin-open-2026 --day 2 --dry-run\n"
        "         manage.py move_events --from 2026-05-16T09:00 --to 2026-05-16T12:30 --court 3 --no-day"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--court", type=int, metavar="N", help="number of the court; all if left out")
        where.add_argument("--without-court", action="store_true", help="only events that have no court")
        parser.add_argument(
            "--from",
            dest="start",
            required=True,
            metavar="TIME",
            help="received from then on; as the clocks there show it",
        )
        parser.add_argument("--to", dest="end", required=True, metavar="TIME", help="and before then")
        parser.add_argument("--tournament", metavar="SLUG", help="the tournament they belong to")
        parser.add_argument("--day", type=int, metavar="N", help="the number of its day, from 1")
        parser.add_argument("--no-day", action="store_true", help="in place of both: they belong to none")
        parser.add_argument("--dry-run", action="store_true", help="say what would move, move nothing")
        parser.add_argument("--yes", action="store_true", help="in place of asking")
        parser.add_argument(
            "--expect",
            nargs=2,
            type=int,
            metavar=("EVENTS", "MATCHES"),
            help="move them only when it is so many",
        )

    def work(self, *, dry_run: bool, yes: bool, expect: list[int] | None, **options: Any) -> dict[str, Any]:
        form = self._form(**options)
        asked = form.where, form.cleaned_data["start"], form.cleaned_data["end"], form.chosen_day
        shown = preview(*asked)
        try:
            if shown.archived:
                raise ArchivedEventsError
            if expect and shown.counts != tuple(expect):
                raise NumbersChangedError(shown)
            self._tell(form, shown)
            if dry_run:
                self.say("Nothing was changed: this was a dry run.")
                return {"lines": []}
            if not any(shown.counts):
                raise BackupError("There is nothing to move.")
            self.confirm("yes", "yes" if yes else None, "The tournaments concerned are backed up first.")
            kept = [
                backup_before(tournament, "Before events were moved", self.user, self.progress)
                for tournament in shown.tournaments
            ]
            self.progress("Moving events", 0, 0)
            move = move_events(*asked, self.user, expected=shown.counts)
        except (ArchivedEventsError, NumbersChangedError) as error:
            raise BackupError(str(error)) from error
        lines = [move.in_words, *(f"How {row.tournament_name} was is kept in {row.path}." for row in kept)]
        for line in lines:
            self.say(line)
        return {"lines": lines}

    def _form(
        self,
        *,
        court: int | None,
        without_court: bool,
        start: str,
        end: str,
        tournament: str | None,
        day: int | None,
        no_day: bool,
        **options: Any,
    ) -> MoveForm:
        """What the page would be told; BackupError for what it would not take."""
        if no_day and (tournament or day is not None):
            raise BackupError("--no-day goes without --tournament and --day.")
        where = str(find_court(court).pk) if court is not None else WITHOUT if without_court else ALL_COURTS
        there = NO_DAY if no_day else str(find_day(tournament, day).pk)
        form = MoveForm({"court": where, "start": start, "end": end, "day": there})
        if not form.is_valid():
            raise BackupError(form.problem())
        return form

    def _tell(self, form: MoveForm, shown: Preview) -> None:
        start, end = (
            date_format(timezone.localtime(form.cleaned_data[name], form.tz), "D j M Y, H:i:s")
            for name in ("start", "end")
        )
        self.say(
            f"{shown.in_words} of {form.where_words}, {start} to {end}, to {form.chosen_day or 'no day'}:"
        )
        for day, count in shown.from_days:
            self.say(f"  {count:>12,}  from {day or 'no day'}")
        if shown.in_place:
            self.say(f"  {shown.in_place:>12,}  are there already and stay")
        if shown.backlog:
            self.say(f"  {shown.backlog:>12,}  received but not yet stored: they would not move with them")
