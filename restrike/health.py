"""For programs that watch this one: does the web server live, is it ready, and all the numbers.

`/healthz` and `/readyz` say no more than yes or no, so anyone may ask. `/metrics` is for a member of
staff, or for whoever has METRICS_TOKEN. Coming from this machine opens nothing: behind a proxy that
serves the pages to others, everyone does.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from restrike import metrics
from restrike.starting import pending_migrations
from restrike.troubles import in_plain_words


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this web process answers; it asks nobody else."""
    return _say("ok")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when pages can be served: the database answers and is up to date; else 503.

    A listener that does not run leaves it at 200: the pages are needed then more than ever, and a
    proxy must not take them away.
    """
    try:
        pending = pending_migrations()
    except DatabaseError:
        return _say("the database does not answer", 503)
    return _say("the database is not up to date", 503) if pending else _say("ok")


@require_safe
@never_cache
def metrics_page(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format; 401 without the right to see it."""
    if not (_has_token(request) or _is_staff(request)):
        response = _say("sign in, or send METRICS_TOKEN as a bearer token", 401)
        response["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return response
    try:
        text = metrics.as_text()
    except DatabaseError as error:
        return _say(in_plain_words(error) or "the database does not answer", 503)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def _is_staff(request: HttpRequest) -> bool:
    user = request.user
    return user.is_active and user.is_staff and user.has_perm("events.view_pssevent")


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    return (
        bool(wanted)
        and scheme.lower() == "bearer"
        and secrets.compare_digest(token.strip().encode(), wanted.encode())
    )


def _say(text: str, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{text}\n", content_type="text/plain; charset=utf-8", status=status)
