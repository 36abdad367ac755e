"""The pages on which a file is looked at and taken in, and the button that leads there."""

from __future__ import annotations

import io
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET
from import_export.admin import ImportMixin
from unfold.enums import ActionVariant

from tournaments.export.admin import ExportAdmin
from tournaments.export.writing import FORMATS as ENDINGS
from tournaments.imports.files import FORMATS, LARGEST, KeptUpload, ShapeError, UploadForm


class ImportAdmin(ImportMixin, ExportAdmin):  # type: ignore[misc]  # the library has no types
    """A list that can be taken in from a file: `resource_classes` has one `RowResource`."""

    import_export_change_list_template = None
    import_form_class = UploadForm
    import_formats = FORMATS
    import_template_name = "tournaments/import.html"
    tmp_storage_class = KeptUpload

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_add_permission(request) and self.has_change_permission(request))

    def get_urls(self) -> list[URLPattern]:
        templates = [
            path(
                f"import/template.{ending}",
                self.admin_site.admin_view(require_GET(self.import_template)),
                {"ending": ending},
                name=f"{self.opts.app_label}_{self.opts.model_name}_template_{ending}",
            )
            for ending in ENDINGS
        ]
        return [*templates, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None)
        if context and "actions_list" in context and self.has_import_permission(request):
            button = {
                "title": "Import",
                "path": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_import"),
                "icon": "upload",
                "attrs": {},
                "variant": ActionVariant.DEFAULT,
            }
            context["actions_list"] = [button, *context["actions_list"]]
        return response

    def import_template(self, request: HttpRequest, ending: str) -> HttpResponse:
        """A file with the headings and nothing else, to be filled in."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        content_type, write = ENDINGS[ending]
        out = io.BytesIO()
        title = str(self.opts.verbose_name_plural)
        write(out, title, self._columns(), [], lambda count: None)
        response = HttpResponse(out.getvalue(), content_type)
        response["Content-Disposition"] = f'attachment; filename="{title}.{ending}"'
        return response

    def _columns(self) -> list[str]:
        (resource,) = self.resource_classes
        return [field.column_name for field in resource().get_import_fields()]

    def get_import_context_data(self, **kwargs: Any) -> dict[str, Any]:
        (resource,) = self.resource_classes
        stem = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        return {
            "columns": self._columns(),
            "required": resource.required,
            "most_rows": resource.most_rows,
            "largest": LARGEST,
            "templates": [(ending.upper(), reverse(f"{stem}_template_{ending}")) for ending in ENDINGS],
        }

    def add_data_read_fail_error_to_form(self, form: Any, e: Exception) -> None:
        words = "This file cannot be read. Save it as CSV (UTF-8) or XLSX, and choose that format."
        form.add_error("import_file", str(e) if isinstance(e, ShapeError) else words)

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_import_data_kwargs(**kwargs)
        return {**found, "rollback_on_validation_errors": True}

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().process_import(request, **kwargs)
        except FileNotFoundError:
            messages.error(request, "The file is no longer here. Choose it again.")
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_import")
        return response

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        """Nothing is taken in when a row went wrong since the preview."""
        if result.has_errors() or result.has_validation_errors():
            messages.error(request, "Something changed since the preview: nothing was taken in. Look again.")
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_import")
        response: HttpResponse = super().process_result(result, request)
        return response
