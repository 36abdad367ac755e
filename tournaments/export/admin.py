"""The buttons “Export CSV” and “Export XLSX” of a list, and what they give."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_GET
from unfold.enums import ActionVariant

from tournaments.adminbase import NONSENSE, StaffAdmin
from tournaments.export.sending import BusyError, Export
from tournaments.export.sheet import Sheet
from tournaments.export.writing import FORMATS

BUSY = "Other exports are being written. Try again when one of them is done."


class WholeList:
    """Mixed into a list's `ChangeList`: filtered, searched and ordered, but neither counted nor cut."""

    is_bounded = False

    def get_results(self, request: HttpRequest) -> None:
        self.result_list: list[Any] = []


class ExportAdmin(StaffAdmin):
    """A list that can be taken along; `sheet` says what is in the file. For those who may see the list."""

    sheet: Sheet

    def get_urls(self) -> list[URLPattern]:
        exports = [
            path(
                f"export.{ending}",
                self.admin_site.admin_view(require_GET(partial(self.export_view, ending=ending))),
                name=f"{self._export_name}_{ending}",
            )
            for ending in FORMATS
        ]
        return [*exports, *super().get_urls()]

    @property
    def _export_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_export"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None)
        if context and "cl" in context:
            query = context["cl"].get_query_string(remove=["p", "all", "e"])
            context["actions_list"] = [
                *context["actions_list"],
                *(
                    {
                        "title": f"Export {ending.upper()}",
                        "path": reverse(f"admin:{self._export_name}_{ending}") + query,
                        "icon": "download",
                        "attrs": {},
                        "variant": ActionVariant.DEFAULT,
                    }
                    for ending in FORMATS
                ),
            ]
        return response

    def export_view(self, request: HttpRequest, ending: str) -> HttpResponseBase:
        """The list as the address filters it, as a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        changelist = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        try:
            found = self._filtered(request)
            # Now, since it would be too late once the file has begun.
            found.explain()
        except NONSENSE:
            messages.error(request, "These filters make no sense.")
            return redirect(changelist)
        content_type, writer = FORMATS[ending]
        title = str(self.opts.verbose_name_plural)
        asked = request.GET.urlencode() or "all"
        what = f"{request.user.get_username()} exports {title} as {ending}, {asked}"
        sheet = self.sheet

        def write(file: Any, pause: Any) -> int:
            return writer(file, title, sheet.header, sheet.rows(found), pause)

        try:
            export = Export(write, what)
        except BusyError:
            messages.warning(request, BUSY)
            return redirect(f"{changelist}?{request.GET.urlencode()}")
        name = f"{slugify(title)}-{timezone.localtime():%Y%m%d-%H%M}.{ending}"
        response = StreamingHttpResponse(export, content_type=content_type)
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "no-store"
        return response

    def _filtered(self, request: HttpRequest) -> QuerySet[Any]:
        shown = self.get_changelist(request)
        whole = type("WholeList", (WholeList, shown), {})
        changelist: Any = whole(
            request,
            self.model,
            self.get_list_display(request),
            self.get_list_display_links(request, self.get_list_display(request)),
            self.get_list_filter(request),
            self.date_hierarchy,
            self.get_search_fields(request),
            self.get_list_select_related(request),
            self.list_per_page,
            self.list_max_show_all,
            (),
            self,
            self.get_sortable_by(request),
            self.search_help_text,
        )
        found: QuerySet[Any] = changelist.queryset
        return found
