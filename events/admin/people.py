"""Athletes, as the scoring systems wrote them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from events import sheets
from events.imports import AthleteResource
from events.models import Athlete
from events.templatetags.flags import flag
from events.views_athletes import athlete_context, may_see
from tournaments.adminbase import ReadOnlyAdmin, column
from tournaments.imports.admin import ImportAdmin


@admin.register(Athlete)
class AthleteAdmin(ImportAdmin, ReadOnlyAdmin):
    sheet = sheets.ATHLETES
    resource_classes = [AthleteResource]
    list_display = ["name", "short_name", "nation"]
    search_fields = ["name", "short_name", "country"]
    search_help_text = "Name or country"
    list_per_page = 100
    list_before_template = "events/_athlete_list_head.html"

    @column("IOC code", ordering="country")
    def nation(self, athlete: Athlete) -> str:
        return flag(athlete.country) or "—"

    def has_import_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("events.import_athlete")

    @method_decorator(require_safe)
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """How the athlete fights; there is nothing to change."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        athlete = self.get_object(request, object_id)
        if athlete is None:
            raise Http404("There is no such athlete.")
        context = {**self.admin_site.each_context(request), "title": athlete.name, "athlete": athlete}
        if may_see(request):
            context |= athlete_context(request, athlete)
        return TemplateResponse(request, "events/athlete.html", context)
