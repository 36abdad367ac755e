"""Errors as objects that say in words what to do (RFC 9457, `application/problem+json`)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import Field

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"
SIGN_IN = "Send “Authorization: Bearer” with a token, or sign in as a member of staff."


class Fault(Schema):
    """One thing that is wrong with what was asked."""

    where: str = Field(description="The parameter, as `query.limit`.")
    words: str


class Problem(Schema):
    """What every answer with a status of 400 or more holds."""

    type: str = Field("about:blank", description="Always `about:blank`: the status says which kind it is.")
    title: str
    status: int
    detail: str = Field(description="What is wrong, in a sentence.")
    errors: list[Fault] = Field(default=[], description="With 422: each parameter that makes no sense.")


class ProblemError(Exception):
    """Raised anywhere below an operation: ends it with this answer."""

    def __init__(self, status: int, detail: str, faults: list[Fault] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.faults = status, detail, faults or []


def nonsense(parameter: str, words: str) -> ProblemError:
    """A parameter of the query that was understood and makes no sense."""
    return ProblemError(422, words, [Fault(where=f"query.{parameter}", words=words)])


def problem(status: int, detail: str, faults: list[Fault] | None = None) -> HttpResponse:
    found = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=faults or [],
    )
    response = HttpResponse(msgspec.json.encode(found.model_dump()), CONTENT_TYPE, status)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="reStrike VTA"'
    return response


def answer_with_problems(api: NinjaAPI) -> None:
    """Turns whatever goes wrong in an operation of `api` into a problem."""
    handlers: dict[type[Exception], Any] = {
        ProblemError: lambda request, error: problem(error.status, error.detail, error.faults),
        AuthenticationError: lambda request, error: problem(401, SIGN_IN),
        ValidationError: _not_valid,
        Http404: lambda request, error: problem(404, str(error) or "There is nothing at this address."),
        HttpError: lambda request, error: problem(error.status_code, str(error)),
        OperationalError: _no_database,
        InterfaceError: _no_database,
        Exception: _mistake,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _not_valid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    faults = [
        Fault(where=".".join(str(part) for part in one["loc"] if part != "asked"), words=one["msg"])
        for one in error.errors
    ]
    first = faults[0]
    return problem(422, f"{first.where}: {first.words}.", faults)


def _no_database(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.warning("The database did not answer %s: %s", request.path, error)
    return problem(503, "The database does not answer. Try again in a moment.")


def _mistake(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.error("%s failed.", request.path, exc_info=error)
    return problem(500, "Something went wrong here. It is in the log of the web server.")
