"""Browsing a huge table without ever reading all of it.

A list goes backwards along an index: the match's, the day's, the tournament's, that of messages not
recognized, or the primary key. What none of them leads to (court, kind, side, words in the raw text) is
looked for in the newest `SEARCHED` events of that index only, of one day where none was chosen, and the page
says so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.views import ChangeList

from events.models import PssEvent
from tournaments.adminbase import ReadOnlyAdmin
from tournaments.export.admin import ExportAdmin

SEARCHED = 20_000
COUNTED = 5_000


class BoundedPaginator(Paginator[Any]):
    """Counts up to `COUNTED` rows and offers no pages beyond; older events are reached by filters."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        assert isinstance(rows, QuerySet)
        # Of the key alone: what a row is annotated with would be worked out for each that is counted.
        return rows.order_by().values("pk")[:COUNTED].count() if not rows.query.is_sliced else len(rows)


class Bound(NamedTuple):
    """How far a search went back, for the words above the list."""

    searched: int
    oldest: Any  # of the column it went back along; the row itself is left out

    @property
    def since(self) -> datetime | None:
        return self.oldest if isinstance(self.oldest, datetime) else None


class BoundedChangeList(ChangeList):  # type: ignore[misc]  # the theme has no types
    """Says how many were found, and whether there are more than that."""

    bound: Bound | None = None

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        # The theme writes "n results" from these two when they differ; the list says it better.
        self.full_result_count = self.result_count
        self.has_more = self.result_count >= COUNTED


class BoundedAdmin(ExportAdmin, ReadOnlyAdmin):
    """A list that goes backwards along an index, with filters for all that is older."""

    list_filter_submit = True
    list_filter_sheet = False
    list_per_page = 50
    list_max_show_all = 0
    list_fullwidth = True
    paginator = BoundedPaginator
    show_full_result_count = False
    # Its pages do not lead back to what the list was filtered by; finding out for each link took 10 ms.
    preserve_filters = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    actions = None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedChangeList]:
        return BoundedChangeList


def newest(events: QuerySet[PssEvent], order: str) -> Bound | None:
    """How far back the newest `SEARCHED` of `events` go along the index of `order`, a column.

    One row is read through the index to find out; None when there are no more events than that.
    """
    column = events.order_by(f"-{order}").values_list(order, flat=True)
    oldest = next(iter(column[SEARCHED : SEARCHED + 1]), None)
    return None if oldest is None else Bound(SEARCHED, oldest)
