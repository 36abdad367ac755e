"""What happened, in the admin: events and matches to browse, unknown messages, athletes, senders.

The event table holds millions of rows. Nothing here counts or searches it without a bound; see
`events.admin.bounded`.
"""

from events.admin import (
    alerts,
    archived,
    backups,
    displays,
    events,
    machine,
    matches,
    people,
    tokens,
    unknown,
)

__all__ = [
    "alerts",
    "archived",
    "backups",
    "displays",
    "events",
    "machine",
    "matches",
    "people",
    "tokens",
    "unknown",
]
