"""What the files of tournaments, days and courts hold."""

from __future__ import annotations

from operator import itemgetter

from tournaments.export.sheet import Sheet


def plain(*names: str) -> Sheet:
    """The columns of a model under their own names: what an import of the same list takes."""
    return Sheet(
        {name: name for name in names},
        {name: itemgetter(position) for position, name in enumerate(names)},
    )


TOURNAMENTS = plain(
    *("name", "slug", "city", "country", "venue", "start_date", "end_date", "time_zone", "status", "notes")
)
COURTS = plain("number", "name", "port", "source", "active")
DAYS = Sheet(
    {"tournament": "tournament__name", "number": "number", "date": "date", "status": "status"},
    {
        "tournament": lambda row: row.tournament,
        "day": lambda row: row.number,
        "date": lambda row: row.date,
        "status": lambda row: row.status,
    },
)
