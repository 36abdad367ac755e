"""Messages the parser could not read: how often, a sample, what staff found out about them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from events import sheets
from events.models import PssEvent, UnknownMessage
from events.reader import reader
from events.reparse import UNREAD, Outcome, reparse
from tournaments.adminbase import column
from tournaments.export.admin import ExportAdmin

# More than this is work for `manage.py reparse`, which shows its progress.
READ_AGAIN = 20_000


@admin.register(UnknownMessage)
class UnknownMessageAdmin(ExportAdmin):
    sheet = sheets.UNKNOWN_MESSAGES
    list_display = ["shape_text", "count", "sample_text", "first_seen", "last_seen", "notes_start"]
    list_filter_submit = True
    search_fields = ["shape", "sample", "notes"]
    search_help_text = "Shape, sample or notes"
    readonly_fields = ["shape", "count", "first_seen", "last_seen", "sample_whole", "events"]
    fields = ["shape", "count", ("first_seen", "last_seen"), "sample_whole", "events", "notes"]
    actions = ["parse_again"]
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @column("looks like", ordering="shape")
    def shape_text(self, unknown: UnknownMessage) -> str:
        return format_html('<code class="rs-raw">{}</code>', unknown.shape)

    @column("sample")
    def sample_text(self, unknown: UnknownMessage) -> str:
        text = unknown.sample if len(unknown.sample) <= 60 else unknown.sample[:60] + "…"
        return format_html('<code class="rs-raw">{}</code>', text)

    @column("sample")
    def sample_whole(self, unknown: UnknownMessage) -> str:
        return format_html('<code class="rs-raw">{}</code>', unknown.sample)

    @column("notes")
    def notes_start(self, unknown: UnknownMessage) -> str:
        return unknown.notes if len(unknown.notes) <= 60 else unknown.notes[:60] + "…"

    @column("events")
    def events(self, unknown: UnknownMessage) -> str:
        asked = {"status": "problem"}
        words = "Events that were not understood"
        if word := _word(unknown.shape):
            asked["q"] = word
            words = f"Events that hold “{word}”"
        url = reverse("admin:events_pssevent_changelist")
        return format_html('<a href="{}?{}">{}</a>', url, urlencode(asked), words)

    @admin.action(permissions=["change"], description="Parse again")
    def parse_again(self, request: HttpRequest, chosen: QuerySet[UnknownMessage]) -> None:
        """Puts the stored messages of these shapes through the parser in force."""
        shapes = set(chosen.values_list("shape", flat=True))
        current = reader()
        unread = PssEvent.objects.not_recognized().filter(status__in=UNREAD)
        newest = unread.order_by("-received_at").values_list("pk", "raw")[: READ_AGAIN + 1]
        found = [pk for pk, raw in newest if current.shape(raw) in shapes]
        outcome = Outcome()
        for first in range(0, len(found), 1000):
            outcome.add(reparse(PssEvent.objects.filter(pk__in=found[first : first + 1000]), current))
        read_now = sum(n for (_, after), n in outcome.became.items() if after not in UNREAD)
        level = messages.SUCCESS if read_now else messages.INFO
        self.message_user(request, _outcome_words(outcome.read, read_now), level)
        if len(newest) > READ_AGAIN:
            self.message_user(
                request,
                f"Only the newest {READ_AGAIN:,} messages were looked at. "
                "“manage.py reparse” does all of them.",
                messages.WARNING,
            )


def _word(shape: str) -> str:
    """What stands in every message of this shape (`ingest.tallies.shape`); "" when nothing does."""
    code, _, rest = shape.partition(";")
    if code == "json":
        return "" if rest == "A" else rest
    return "" if code.startswith("(") else code


def _outcome_words(read: int, read_now: int) -> str:
    if not read:
        return "No stored message has this shape any more."
    plural = "" if read == 1 else "s"
    if not read_now:
        return f"Parsed {read:,} message{plural} again: still not understood."
    return f"Parsed {read:,} message{plural} again: {read_now:,} understood now."
