"""Deleting a tournament: what would go in numbers, its name typed, a backup, and only then it goes."""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from events.backup.delete import doomed
from events.models_backup import Backup
from events.views_backup import begin_action
from tournaments.models import Tournament


@require_http_methods(["GET", "POST"])
@permission_required("tournaments.delete_tournament", raise_exception=True)
@never_cache
def delete_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: what would go. POST: begins it, when `typed` is the tournament's slug."""
    tournament = get_object_or_404(Tournament, pk=pk)
    timezone.activate(tournament.tz)
    going = doomed(tournament)
    if request.method == "POST":
        if request.POST.get("typed", "").strip() != tournament.slug:
            messages.error(request, f"Nothing was deleted: the name typed is not {tournament.slug}.")
            return redirect("delete_tournament", pk)
        if not going.why_not:
            command = ["delete_tournament", tournament.slug, "--yes", tournament.slug]
            return begin_action(request, f"Deleting {tournament}", command)
    context = {
        **admin.site.each_context(request),
        "title": f"Delete {tournament}",
        "tournament": tournament,
        "going": going,
        "backup": Backup.objects.filter(slug=tournament.slug, error="").exclude(verified_at=None).first(),
    }
    return TemplateResponse(request, "events/backup/delete.html", context)
