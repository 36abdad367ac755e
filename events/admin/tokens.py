"""Tokens for programs that read over the API: made, seen once, revoked."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers

from events.asked import signed_in
from events.models import ApiToken
from tournaments.adminbase import StaffAdmin, column

STATES = {"open": "success", "ended": "default", "revoked": "danger"}


@admin.register(ApiToken)
class ApiTokenAdmin(StaffAdmin):
    list_display = ["name", "begins", "scope", "state", "last_used_at", "expires_at", "created_by"]
    list_select_related = ["created_by"]
    list_filter = ["scope"]
    search_fields = ["name", "prefix"]
    list_per_page = 50
    list_before_template = "events/_token_list_head.html"
    actions = ["revoke"]
    fields = ["name", "scope", "expires_at"]

    @column("token", ordering="prefix")
    def begins(self, token: ApiToken) -> str:
        return f"{token.prefix}…"

    @column("state", label=STATES)
    def state(self, token: ApiToken) -> tuple[str, str]:
        why_not = token.why_not()
        if not why_not:
            return "open", "in use" if token.last_used_at else "not used yet"
        return ("revoked", "revoked") if token.revoked_at else ("ended", why_not.rstrip("."))

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> list[str]:
        """What a token opens stays as it was when somebody was given it."""
        return ["scope"] if obj else []

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """Revoked, not deleted: who had one stays known."""
        return False

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = signed_in(request)
            # For `response_add` of this request, and nowhere else.
            self._give(request, obj.give_text())
        super().save_model(request, obj, form, change)

    @staticmethod
    def _give(request: HttpRequest, text: str) -> None:
        request.token_text = text  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The one page that shows the token. Kept by nobody, not even for the next page."""
        context = {
            **self.admin_site.each_context(request),
            "title": "The new token",
            "token": obj,
            "text": request.token_text,  # type: ignore[attr-defined]
            "address": request.build_absolute_uri("/api/v1/"),
        }
        response = TemplateResponse(request, "events/token_made.html", context)
        add_never_cache_headers(response)
        return response

    @admin.action(permissions=["change"], description="Revoke")
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        revoked = 0
        for token in tokens:
            if token.revoke():
                revoked += 1
                self.log_change(request, token, "Revoked.")
        if not revoked:
            self.message_user(request, "What you chose was revoked before.", messages.INFO)
            return
        words = "1 token. It opens" if revoked == 1 else f"{revoked} tokens. They open"
        self.message_user(request, f"Revoked {words} nothing any more.", messages.SUCCESS)
