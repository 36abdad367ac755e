"""Pages about the installation as a whole."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from events.asked import signed_in
from restrike.preflight import Preflight

#: The page waits for its backup, which takes some seconds for this many events.
LARGEST_BACKUP = 20_000


@require_http_methods(["GET", "POST"])
@permission_required("events.view_pssevent", raise_exception=True)
@never_cache
def preflight(request: HttpRequest) -> HttpResponse:
    """GET only looks. POST also sends a test datagram and, for those who may, makes a backup."""
    run = request.method == "POST"
    lines = Preflight(
        trial=run,
        backup=run and request.user.has_perm("events.make_backup"),
        largest=LARGEST_BACKUP,
        user=signed_in(request),
    ).lines()
    context = {
        **admin.site.each_context(request),
        "title": "Pre-flight",
        # On a phone the list is long: what has to be mended comes first.
        "lines": sorted(lines, key=lambda line: (not line.is_bad, line.is_good)),
        "wrong": sum(line.is_bad for line in lines),
        "unsure": sum(not line.is_bad and not line.is_good for line in lines),
        "run": run,
    }
    return TemplateResponse(request, "restrike/preflight.html", context)
