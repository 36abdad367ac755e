"""Who sent and who listened: sessions and listeners, only to be looked at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html

from events import sheets
from events.models import EventMove, ListenerNode, UdpSession
from tournaments.adminbase import ReadOnlyAdmin, column
from tournaments.export.admin import ExportAdmin


@admin.register(UdpSession)
class UdpSessionAdmin(ExportAdmin, ReadOnlyAdmin):
    sheet = sheets.SESSIONS
    list_display = ["sender", "where", "started_at", "last_event_at", "state", "datagrams", "events", "flags"]
    list_filter = ["concurrent", ("court", admin.RelatedOnlyFieldListFilter)]
    list_filter_submit = True
    list_select_related = ["court"]
    search_fields = ["source"]
    search_help_text = "Source address"
    list_per_page = 100

    @column("sender")
    def sender(self, session: UdpSession) -> str:
        return format_html('<span class="rs-figures">{}:{}</span>', session.source, session.source_port)

    @column("court")
    def where(self, session: UdpSession) -> str:
        return str(session.court or "no court")

    @column("state", label={"speaking": "success", "ended": "default"})
    def state(self, session: UdpSession) -> str:
        return "ended" if session.ended_at else "speaking"

    @column("flags", label={"two senders at once": "danger", "no court": "warning"})
    def flags(self, session: UdpSession) -> str | None:
        if session.concurrent:
            return "two senders at once"
        return "no court" if session.court_id is None else None


@admin.register(ListenerNode)
class ListenerNodeAdmin(ReadOnlyAdmin):
    list_display = ["name", "state", "received", "stored", "kernel_drops", "blind", "recorder_seen_at"]

    @column("state", label={"recording": "success", "silent": "danger"})
    def state(self, node: ListenerNode) -> str:
        return "recording" if node.is_recording() else "silent"

    @column("not listening", ordering="blind_ms")
    def blind(self, node: ListenerNode) -> str:
        return f"{node.blind_ms / 1000:.1f} s"


@admin.register(EventMove)
class EventMoveAdmin(ReadOnlyAdmin):
    list_display = ["moved_at", "events", "matches", "place", "start", "end", "day", "user"]
    list_select_related = ["court", "day__tournament", "user"]
    list_per_page = 50
