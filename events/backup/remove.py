"""Deleting all rows of a tournament, as replacing it does. Runs in the caller's transaction."""

from __future__ import annotations

from typing import Any

from django.db.models import CASCADE, Exists, OuterRef

from events.backup.collect import OnProgress
from events.backup.rules import IN_USE, Holds, Model, Part, Role, plan, referrers, rows
from events.backup.totals import take_hours
from events.models import EventTally, HourTally, Match
from tournaments.models import Tournament


def remove_rows(tournament_id: int, using: str, progress: OnProgress) -> dict[str, int]:
    """Deletes the tournament and what belongs to it; returns how many rows of each name went.

    What belongs to others and refers to a deleted row refers to nothing afterwards, or goes with it where
    its model says so. Shared rows stay, and so does a session that another tournament has events of, or
    that is not over.
    """
    parts = {part.model: part for part in plan()}
    carried = carried_keys(parts, tournament_id, using)
    removed: dict[str, int] = {}
    backwards = list(parts.values())[::-1]
    for part in backwards:
        if part.role is Role.OWNED:
            doomed = rows(part, parts, tournament_id, using, carried)
            name = part.names[1]
            progress(f"Removing {name}", 0, 0)
            if part.model is EventTally:
                take_hours(doomed, using)
                HourTally.objects.using(using).filter(day__tournament=tournament_id, events=0).delete()
            _let_go(part, doomed.order_by().values("pk"), using)
            removed[name] = doomed.order_by()._raw_delete(using)
    for part in backwards:
        if part.role is Role.CARRIED:
            unused = part.model._base_manager.using(using).filter(pk__in=list(carried[part.model]))
            for field in referrers(part.model):
                named = field.model._base_manager.using(using).filter(**{field.attname: OuterRef("pk")})
                unused = unused.filter(~Exists(named))
            if part.label in IN_USE:
                unused = unused.exclude(IN_USE[part.label])
            # The keys first, since the tables they were told from may change under the query.
            keys = list(unused.values_list("pk", flat=True))
            gone = part.model._base_manager.using(using).filter(pk__in=keys)._raw_delete(using)
            removed[part.names[1]] = gone
    return removed


def size_of(tournament: Tournament, using: str = "default") -> tuple[int, int]:
    """Its events and matches, from the totals: whether something came between a backup and what follows."""
    events = HourTally.objects.using(using).filter(day__tournament=tournament.pk).total()
    return events, Match.objects.using(using).filter(day__tournament=tournament.pk).count()


def carried_keys(parts: dict[Model, Part], tournament_id: int, using: str) -> dict[Model, set[Any]]:
    """Of each carried model the rows that the tournament's own refer to."""
    keys: dict[Model, set[Any]] = {part.model: set() for part in parts.values() if part.role is Role.CARRIED}
    for part in parts.values():
        through = any(parts[arm.target].role is Role.CARRIED for arm in part.arms)
        if part.role is not Role.OWNED or through:
            continue
        for column in part.columns:
            if column.holds is Holds.REFERENCE and column.target in keys:
                query = rows(part, parts, tournament_id, using, keys).order_by()
                keys[column.target] |= set(query.values_list(column.name, flat=True).distinct()) - {None}
    return keys


def _let_go(part: Part, doomed: object, using: str) -> None:
    for field in referrers(part.model):
        if field.null:
            others = field.model._base_manager.using(using).filter(**{f"{field.attname}__in": doomed})
            if field.remote_field.on_delete is CASCADE:
                # What is nothing without it, as a replay of a match.
                others.delete()
            else:
                others.update(**{field.attname: None})
