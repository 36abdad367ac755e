"""Times as plain numbers: of thousands of rows, making a datetime of each takes longer than all else."""

from __future__ import annotations

from typing import Any

from django.db.models import Field, Func


class Epoch(Func):
    """Seconds since 1970 of a time, to the millisecond."""

    # A plain field, which the database's number passes as it is.
    output_field = Field()
    template = "extract(epoch from %(expressions)s)::float8"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # Not `unixepoch`: an index that asks for it can be read by new versions of SQLite only.
        template = "round((julianday(%(expressions)s) - 2440587.5) * 86400, 3)"
        return self.as_sql(compiler, connection, template=template, **context)


class IndexedEpoch(Epoch):
    """What an index holds, so that `Epoch` is answered from it: on SQLite the number, which is a third of
    the text; on PostgreSQL the time, for it looks for columns alone in an index."""

    template = "%(expressions)s"
