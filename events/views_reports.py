"""Reports to print: as a page, and as PDF where a browser on this machine can make one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.staticfiles import finders
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from events.models import Match
from events.report import pages, pdf
from tournaments.models import TournamentDay

Context = dict[str, Any]


@require_GET
@never_cache
def match_report(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, "match", pk)


@require_GET
@never_cache
def match_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    return _pdf(request, "match", pk)


@require_GET
@never_cache
def day_report(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, "day", pk)


@require_GET
@never_cache
def day_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    return _pdf(request, "day", pk)


def _match(pk: int) -> Context:
    related = ("court", "day__tournament", "blue", "red")
    match = Match.objects.with_is_last().select_related(*related).filter(pk=pk).first()
    if match is None:
        raise Http404("There is no such match.")
    return pages.match_report(match)


def _day(pk: int) -> Context:
    day = TournamentDay.objects.select_related("tournament").filter(pk=pk).first()
    if day is None:
        raise Http404("There is no such day.")
    return pages.day_report(day)


# name -> what it says, the permissions it needs
REPORTS: dict[str, tuple[Callable[[int], Context], tuple[str, ...]]] = {
    "match": (_match, ("events.view_match",)),
    "day": (_day, ("events.view_match", "tournaments.view_tournamentday")),
}


def _context(request: HttpRequest, name: str, pk: int) -> Context:
    gather, permissions = REPORTS[name]
    if not request.user.has_perms(permissions):
        raise PermissionDenied
    if pk >= 2**63:
        raise Http404
    return gather(pk)


def _page(request: HttpRequest, name: str, pk: int) -> HttpResponse:
    context = _context(request, name, pk)
    context["back"] = context[name].get_absolute_url()
    context["pdf_url"] = reverse(f"{name}_pdf", args=[pk]) if pdf.browser() else ""
    return TemplateResponse(request, f"report/{name}.html", context)


def _pdf(request: HttpRequest, name: str, pk: int) -> HttpResponse:
    """What `_page` shows, printed. Where that fails, back to the match or day, which says what to do."""
    context = _context(request, name, pk)
    context["style"] = _style()
    try:
        printed = pdf.print_to_pdf(render_to_string(f"report/{name}.html", context))
    except pdf.PdfError as error:
        messages.error(request, f"{error} Open the report and choose “Print”, then “Save as PDF”.")
        return redirect(context[name])
    response = HttpResponse(printed, content_type="application/pdf")
    title = slugify(context["title"])[:80] or name
    response["Content-Disposition"] = f'inline; filename="{title}.pdf"'
    return response


def _style() -> SafeString:
    """The style sheet of the page as its own element: what is printed is a file and may load nothing."""
    path = finders.find("report/report.css")
    assert path
    with open(path, encoding="utf-8") as file:
        return mark_safe(f"<style>{file.read()}</style>")  # noqa: S308  a file of ours
