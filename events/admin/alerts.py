"""Alerts of all time, their rules, and what was sent about them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format

from events.alerts.states import State
from events.models import Alert, AlertDelivery, AlertRule
from tournaments.adminbase import HistoryAdmin, ReadOnlyAdmin, column

STATES = {State.FIRING: "danger", State.RECOVERING: "warning", State.RESOLVED: "default"}
DELIVERED = {"arrived": "success", "waiting": "warning", "given up": "danger"}


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ["what", "text", "state_now", "began_at", "lasting", "worst_figure", "seen_by"]
    list_filter = ["kind", "state"]
    list_select_related = ["acknowledged_by"]
    search_fields = ["name", "text", "note"]
    list_per_page = 50
    fields = [
        "what",
        "text",
        "state_now",
        "began_at",
        "fired_at",
        "resolved_at",
        "lasting",
        "worst_figure",
        "limit_in_words",
        "seen_by",
        "note",
    ]
    readonly_fields = ["what", "state_now", "lasting", "worst_figure", "limit_in_words", "seen_by"]

    @column("alert", ordering="kind", header=True)
    def what(self, alert: Alert) -> list[str]:
        return [alert.about.title, alert.name]

    @column("state", label=STATES)
    def state_now(self, alert: Alert) -> tuple[str, str]:
        return alert.state, alert.get_state_display()

    @column("lasted")
    def lasting(self, alert: Alert) -> str:
        return alert.lasted

    @column("worst")
    def worst_figure(self, alert: Alert) -> str:
        return alert.worst_in_words or "—"

    @column("acknowledged")
    def seen_by(self, alert: Alert) -> str:
        if alert.acknowledged_at is None:
            return "—"
        at = date_format(timezone.localtime(alert.acknowledged_at), "D j M, H:i")
        return f"{alert.acknowledged_by or 'somebody'}, {at}"


@admin.register(AlertRule)
class AlertRuleAdmin(HistoryAdmin):
    list_display = ["title", "enabled", "wrong_when", "lasting", "over_after"]
    list_per_page = 50
    readonly_fields = ["means"]

    def get_fields(self, request: HttpRequest, obj: AlertRule | None = None) -> list[str]:
        limit = ["threshold"] if obj is not None and obj.about.unit else []
        return ["means", "enabled", *limit, "hold_s", "recover_s"]

    def get_form(self, request: HttpRequest, obj: AlertRule | None = None, **kwargs: Any) -> Any:
        kwargs["labels"] = {"hold_s": "Must last", "recover_s": "Over after"}
        if obj is not None and obj.about.unit:
            side = "below" if obj.about.below else "above"
            kwargs["help_texts"] = {"threshold": f"In {obj.about.unit}; {side} this it is wrong."}
        return super().get_form(request, obj, **kwargs)

    @column("alert", ordering="id")
    def title(self, rule: AlertRule) -> str:
        return rule.about.title

    @column("when")
    def wrong_when(self, rule: AlertRule) -> str:
        return rule.limit or "as soon as it is so"

    @column("must last", ordering="hold_s")
    def lasting(self, rule: AlertRule) -> str:
        return f"{rule.hold_s} s"

    @column("over after", ordering="recover_s")
    def over_after(self, rule: AlertRule) -> str:
        return f"{rule.recover_s} s"

    @column("what to do then")
    def means(self, rule: AlertRule) -> str:
        return rule.about.advice

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AlertRule | None = None) -> bool:
        """A rule is switched off instead."""
        return False


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(ReadOnlyAdmin):
    list_display = ["made_at", "channel", "occasion", "alert", "state", "attempts", "error"]
    list_filter = ["channel", "occasion"]
    list_select_related = ["alert"]
    list_per_page = 50
    fields = ["alert", "channel", "occasion", "made_at", "sent_at", "gave_up_at", "attempts", "error"]

    @column("state", label=DELIVERED)
    def state(self, delivery: AlertDelivery) -> str:
        return delivery.state_in_words
