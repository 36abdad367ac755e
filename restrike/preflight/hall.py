"""Is the tournament ready: courts, the day in force, a backup."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Max, Sum
from django.utils import timezone
from django.utils.formats import date_format

from events.backup.collect import OnProgress, no_progress
from events.backup.make import make_backup
from events.backup.trouble import BackupError
from events.models import HourTally, UdpSession
from events.models_backup import Backup, BackupKind
from events.situation import Situation
from restrike.preflight.line import Line, bad, good, unknown
from tournaments import announce
from tournaments.models import Tournament

_FRESH = timedelta(hours=1)


def courts(situation: Situation) -> Line:
    """Every court is known, and was heard since midnight or within the last hour."""
    key, title = "courts", "Courts"
    since = min(timezone.localtime().replace(hour=0, minute=0, second=0), timezone.now() - _FRESH)
    last_heard = UdpSession.objects.filter(last_event_at__gte=since).order_by()
    heard = dict(last_heard.values_list("court").annotate(Max("last_event_at")))
    if not settings.INGEST_AUTO_COURTS and None in heard:
        return bad(
            key,
            title,
            "A sender is heard that belongs to no court.",
            "On the page Courts, give a court the address and the port it sends from.",
        )
    if not situation.courts:
        return bad(
            key,
            title,
            "No court is known yet.",
            "On each scoring system load a match, or start and stop the clock: its court then appears.",
        )
    silent = [court for court in situation.courts if court.pk not in heard]
    if silent:
        return bad(
            key,
            title,
            f"Not heard today: {announce.places(silent)}.",
            "Switch its scoring system on and load a match; check address and port there. "
            "A court that is not used today: take the tick from “active” on the page Courts.",
        )
    count = len(situation.courts)
    return good(key, title, f"{announce.places(situation.courts)}: {'all ' if count > 1 else ''}heard today.")


def context(situation: Situation) -> Line:
    """A day is in force on every court, and it is today's."""
    key, title = "context", "Tournament day"
    without = [
        court for court in situation.courts if not situation.timeline.day_id_at(court.pk, situation.now)
    ]
    if not situation.in_force or without:
        where = f" on {announce.places(without)}" if situation.in_force else ""
        return bad(
            key,
            title,
            f"No day is active{where}: what is sent is kept, but belongs to no day.",
            "Open Today or Context and make today’s day active.",
        )
    wrong = [text for item in situation.in_force if (text := announce.not_today(item.day))]
    if wrong:
        return bad(key, title, " ".join(wrong), "Open Today or Context and make today’s day active.")
    return good(
        key,
        title,
        " ".join(f"{item.day} is active on {item.places}." for item in situation.in_force),
    )


def backups(
    situation: Situation,
    *,
    make: bool,
    largest: int | None = None,
    user: User | None = None,
    progress: OnProgress = no_progress,
) -> list[Line]:
    """One line for each tournament in force.

    `make`: write and verify one now, unless the tournament has more than `largest` events; of a larger
    one the last backup has to hold everything.
    """
    found = {item.day.tournament_id: item.day.tournament for item in situation.in_force}
    if not found:
        return [bad("backup", "Backup", "No tournament is active.", "Make today’s day active first.")]
    lines = []
    for tournament in found.values():
        title = f"Backup of {tournament}" if len(found) > 1 else "Backup"
        if make and (largest is None or _events(tournament) <= largest):
            lines.append(_made(title, tournament, user, progress))
        else:
            lines.append(_last(title, tournament, told=not make))
    return lines


def _made(title: str, tournament: Tournament, user: User | None, progress: OnProgress) -> Line:
    try:
        row = make_backup(tournament, BackupKind.AUTOMATIC, reason="Pre-flight", user=user, progress=progress)
    except BackupError as error:
        return bad("backup", title, str(error), "Mend what it says, then run the pre-flight again.")
    if row.copy_error:
        mend = "Plug in the stick or connect the drive of BACKUP_COPY_DIR, then run the pre-flight again."
        return bad("backup", title, f"Written and verified, but the copy failed. {row.copy_error}", mend)
    done = "Written, verified and copied" if row.copied_to else "Written and verified"
    return good(
        "backup",
        title,
        f"{done} just now: {row.file}, {row.content}, {row.size / 1e6:,.2f} MB.",
    )


def _last(title: str, tournament: Tournament, *, told: bool) -> Line:
    """`told`: the list was only looked at, and a run will make one."""
    last = (
        Backup.objects.filter(slug=tournament.slug, verified_at__isnull=False, error="")
        .order_by("-made_at")
        .first()
    )
    if last is None or not last.is_there():
        says = "There is no verified backup yet."
    else:
        made = timezone.localtime(last.made_at)
        says = f"The last verified backup is of {date_format(made, 'l j F, H:i')}: {last.file}."
        if last.events == _events(tournament):
            return good("backup", title, f"{says} Nothing was recorded since.")
    if told:
        return unknown("backup", title, f"{says} One is made when you run the pre-flight.")
    return bad(
        "backup",
        title,
        f"{says} A new one takes longer than this page waits.",
        f"Make one on the page Backups, or with: manage.py backup_tournament {tournament.slug}",
    )


def _events(tournament: Tournament) -> int:
    return HourTally.objects.filter(day__tournament=tournament).aggregate(n=Sum("events"))["n"] or 0
