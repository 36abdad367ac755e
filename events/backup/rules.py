"""What belongs to a tournament: found by following keys through Django's registry, never listed.

A row belongs to the tournament that its most direct key names: an event to that of `tournament`,
even where its match has been moved to another. Where that key is empty the next one decides.
"""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q

from events.backup.trouble import BackupError
from tournaments.models import Tournament

Model = type[models.Model]

# Accounts, log-ins and the framework's own tables never leave the machine.
OUTSIDE = {"admin", "auth", "axes", "contenttypes", "sessions"}
# About the machine and its files, not about the tournament; sums of the rest; what only plays it again, or
# only spares folding it again.
LEFT_OUT = {"events.backup", "events.hourtally", "events.replay", "events.storedboard"}
# What outlives a tournament, so that whatever else refers to it does not belong to this one.
SHARED = {"events.archivedreading", "events.athlete", "events.listenernode", "tournaments.court"}

# A listener's counters are of its own journal; elsewhere they would be untrue.
ONLY: dict[str, set[str]] = {"events.listenernode": {"id", "name"}}
# Set by restoring itself: a change of context brought back is history and never in force; how often a
# match was counted anew concerns the importer beside.
SET_BY_RESTORE: dict[str, dict[str, Any]] = {
    "tournaments.contextchange": {"restored": True},
    "events.match": {"recounts": 0},
}
# The columns of which the first that is not empty is read. Nobody speaks any more in a session that
# comes from a backup; the importer must not go on with it.
READ_AS: dict[tuple[str, str], tuple[str, ...]] = {
    ("events.udpsession", "ended_at"): ("ended_at", "last_event_at"),
}
# Rows of this kind are still being written to, whatever happens to those that refer to them.
IN_USE: dict[str, Q] = {"events.udpsession": Q(ended_at=None)}
# What makes two rows the same thing, where no unique constraint says it.
SAME: dict[str, tuple[str, ...]] = {
    "tournaments.tournament": ("slug",),
    "tournaments.tournamentday": ("tournament_id", "date"),
    "tournaments.contextchange": ("court_id", "day_id", "effective_at"),
    "events.archivedreading": ("digest", "stream", "kind", "error", "details"),
    # The archive has no unique index; of these columns it has one that finds them.
    "events.archivedpssevent": ("tournament_id", "day_id", "received_at", "session_id", "sequence"),
    "events.udpsession": ("node_id", "source", "source_port", "local_port", "started_at"),
    "events.match": ("court_id", "day_id", "loaded_at"),
    "events.eventmove": ("court_id", "all_courts", "start", "end", "day_id", "moved_at"),
}
# An archived event keeps the key it had as a live one, so both take theirs from one place.
KEYS_FROM: dict[str, str] = {"events.archivedpssevent": "events.pssevent"}
# What is the same thing in another table: an event, archived since the backup or not yet.
EITHER: dict[str, str] = {
    "events.archivedpssevent": "events.pssevent",
    "events.pssevent": "events.archivedpssevent",
}

# What staff call a row and rows of it, where the model is named for those who program it.
NAMES: dict[str, tuple[str, str]] = {
    "events.archivedreading": ("kind of archived message", "kinds of archived messages"),
    "events.eventmove": ("move of events", "moves of events"),
    "events.eventtally": ("total of a minute", "totals of a minute"),
    "events.listenernode": ("recording machine", "recording machines"),
    "events.udpsession": ("connection of a scoring system", "connections of scoring systems"),
    "tournaments.contextchange": ("change of the active day", "changes of the active day"),
}


class Role(Enum):
    OWNED = "owned"
    CARRIED = "carried"
    SHARED = "shared"


class Holds(Enum):
    """What a column of a file holds."""

    KEY = "key"  # the row's own key
    REFERENCE = "reference"  # the key of a row in another file
    TRACE = "trace"  # the key of the row whose history this is; it may be gone
    USER = "user"  # a user name, and never a user
    VALUE = "value"


@dataclass(frozen=True)
class Column:
    """One column of a file. `target` is the model it refers to, for references and traces."""

    name: str
    field: models.Field[Any, Any]
    holds: Holds
    target: Model | None = None


@dataclass(frozen=True)
class Arm:
    """One key that may tie a row to its tournament: the row's field, and the model it names."""

    field: str
    target: Model
    nullable: bool


@dataclass(frozen=True)
class Part:
    """One model in a backup."""

    model: Model
    role: Role
    arms: tuple[Arm, ...] = ()

    @property
    def label(self) -> str:
        return self.model._meta.label_lower

    @property
    def names(self) -> tuple[str, str]:
        """What staff call one of its rows, and several."""
        past = traced(self.model)
        if past is not None:
            what = str(past._meta.verbose_name)
            return f"earlier version of a {what}", f"earlier versions of a {what}"
        return NAMES.get(self.label) or (
            str(self.model._meta.verbose_name),
            str(self.model._meta.verbose_name_plural),
        )

    @property
    def is_referred_to(self) -> bool:
        """Whether another row of the backup may name one of its rows."""
        return any(_is_named(self.model, other) for other in apps.get_models(include_auto_created=True))

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(_columns(self.model))

    @property
    def other_place(self) -> Model | None:
        """The model in which the same thing may be instead; it is known again by the same columns."""
        label = EITHER.get(self.label, "")
        return apps.get_model(label) if label in {m._meta.label_lower for m in apps.get_models()} else None

    @property
    def has_numbers(self) -> bool:
        """Whether its keys are numbers, and so can be given anew."""
        key: models.Field[Any, Any] = self.model._meta.pk
        while isinstance(key, models.ForeignKey):
            key = key.target_field
        return isinstance(key, models.AutoField | models.IntegerField)

    @property
    def same(self) -> tuple[str, ...]:
        """The columns by which a row is known again in another database; () for every column."""
        return SAME.get(self.label) or _unique(self.model)


def plan() -> list[Part]:
    """Every model of a backup, what is referred to before what refers to it."""
    candidates = list(_candidates())
    owned: set[Model] = {Tournament}
    carried: set[Model] = set()
    size = 0
    while size != len(owned) + len(carried):
        size = len(owned) + len(carried)
        owned |= {m for m in candidates if m not in carried and _targets(m) & (owned | carried)}
        if size == len(owned) + len(carried):
            carried |= {t for m in owned | carried for t in _targets(m) if _is_ours(t)} - owned
    shared: set[Model] = set()
    for _ in SHARED:
        shared |= {t for m in owned | carried | shared for t in _targets(m) if _is_shared(t)}
    distance = _distances(owned)
    parts = [Part(model, Role.CARRIED) for model in carried] + [Part(m, Role.SHARED) for m in shared]
    for model in owned:
        links = [link for link in _links(model) if link.target is not model]
        # A session may serve two tournaments: what names its own needs no tie through that.
        arms = [link for link in links if link.target in owned]
        arms = arms or [link for link in links if link.target in carried]
        arms.sort(key=lambda arm: (distance.get(arm.target, 0), arm.field))
        parts.append(Part(model, Role.OWNED, tuple(arms)))
    return _in_order(parts)


def rows(
    part: Part,
    parts: Mapping[Model, Part],
    tournament_id: int,
    using: str,
    keys: Mapping[Model, Collection[int]],
) -> models.QuerySet[Any]:
    """The rows of an owned part that belong to the tournament; `keys` are those of carried rows."""
    everything = part.model._base_manager.using(using)
    if part.model is Tournament:
        return everything.filter(pk=tournament_id)
    found, empty_before = Q(pk__in=[]), Q()
    for arm in part.arms:
        if arm.target is Tournament:
            here = Q(**{arm.field: tournament_id})
        elif parts[arm.target].role is Role.OWNED:
            named = rows(parts[arm.target], parts, tournament_id, using, keys)
            here = Q(**{f"{arm.field}__in": named.order_by().values("pk")})
        else:
            here = Q(**{f"{arm.field}__in": list(keys[arm.target])})
        found |= empty_before & here
        if not arm.nullable:
            break
        empty_before &= Q(**{f"{arm.field}__isnull": True})
    return everything.filter(found)


def referrers(model: Model) -> Iterator[models.ForeignKey[Any, Any]]:
    """Every foreign key of any model that names `model`."""
    for other in apps.get_models(include_auto_created=True):
        for field in other._meta.local_concrete_fields:
            if isinstance(field, models.ForeignKey) and _model(field) is model and not other._meta.proxy:
                yield field


def traced(model: Model) -> Model | None:
    """Whose history `model` keeps (django-simple-history); None when it keeps none."""
    return getattr(model, "instance_type", None)


def _is_named(model: Model, by: Model) -> bool:
    return not by._meta.proxy and not _is_outside(by) and any(link.target is model for link in _links(by))


def _candidates() -> Iterator[Model]:
    for model in apps.get_models(include_auto_created=True):
        label = model._meta.label_lower
        outside = model._meta.app_label in OUTSIDE or label in LEFT_OUT | SHARED
        if not (outside or model._meta.proxy or not model._meta.managed):
            yield model


def _model(field: models.Field[Any, Any]) -> Model:
    model = field.related_model
    assert isinstance(model, type)
    concrete: Model = model._meta.concrete_model  # type: ignore[assignment]
    return concrete


def _is_shared(model: Model) -> bool:
    return model._meta.label_lower in SHARED


def _is_outside(model: Model) -> bool:
    return model._meta.app_label in OUTSIDE or model._meta.label_lower in LEFT_OUT


def _links(model: Model) -> Iterator[Arm]:
    for field in model._meta.local_concrete_fields:
        if isinstance(field, models.ForeignKey):
            yield Arm(field.attname, _model(field), field.null)
    past = traced(model)
    if past is not None:
        yield Arm(past._meta.pk.attname, past, False)


def _targets(model: Model) -> set[Model]:
    return {arm.target for arm in _links(model)}


def _is_ours(model: Model) -> bool:
    return not (_is_shared(model) or _is_outside(model))


def _distances(owned: Collection[Model]) -> dict[Model, int]:
    """How many keys away from the tournament each model is."""
    distance: dict[Model, int] = {Tournament: 0}
    for step in range(1, len(owned) + 1):
        near = {m for m in owned if m not in distance and _targets(m) & distance.keys()}
        distance |= dict.fromkeys(near, step)
    return distance


def _columns(model: Model) -> Iterator[Column]:
    label = model._meta.label_lower
    only, set_by_restore = ONLY.get(label), SET_BY_RESTORE.get(label, {})
    past = traced(model)
    for field in model._meta.local_concrete_fields:
        name = field.attname
        if (only and name not in only) or name in set_by_restore or getattr(field, "generated", False):
            continue
        if isinstance(field, models.ForeignKey):
            target = _model(field)
            if target is get_user_model():
                yield Column(f"{field.name}.username", field, Holds.USER)
            elif not _is_outside(target):
                yield Column(name, field, Holds.REFERENCE, target)
            elif not field.null:
                raise BackupError(
                    f"{label}.{field.name} refers to {target._meta.label_lower}, which no backup holds."
                )
        elif past is not None and name == past._meta.pk.attname:
            yield Column(name, field, Holds.TRACE, past)
        elif field.primary_key and isinstance(field, models.AutoField):
            yield Column(name, field, Holds.KEY)
        else:
            yield Column(name, field, Holds.VALUE)


def _unique(model: Model) -> tuple[str, ...]:
    for field in model._meta.local_concrete_fields:
        if field.unique and not field.primary_key:
            return (field.attname,)
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.fields and not constraint.condition:
            return tuple(model._meta.get_field(name).attname for name in constraint.fields)  # type: ignore[union-attr]
    return ()


def _in_order(parts: list[Part]) -> list[Part]:
    by_model = {part.model: part for part in parts}
    graph = {
        part.model: sorted(
            (t for t in _targets(part.model) if t in by_model and t is not part.model),
            key=lambda model: model._meta.label_lower,
        )
        for part in sorted(parts, key=lambda part: part.label)
    }
    try:
        return [by_model[model] for model in graphlib.TopologicalSorter(graph).static_order()]
    except graphlib.CycleError as error:
        names = ", ".join(sorted({model._meta.label_lower for model in error.args[1]}))
        raise BackupError(
            f"These models refer to each other in a circle, which no backup can hold: {names}."
        ) from None
