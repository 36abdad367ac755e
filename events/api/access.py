"""Who may read: a program with a token, or a member of staff with the permission of the admin's page."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer

from events.api.problems import ProblemError
from events.models_api import ApiToken

Scope = ApiToken.Scope


class Token(HttpBearer):
    """A token from *API tokens* in the admin, that a manager made."""

    def __init__(self, scopes: set[str]) -> None:
        super().__init__()
        self._scopes = scopes

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        found = ApiToken.objects.find(token)
        if found is None:
            raise ProblemError(401, "There is no such token.")
        if why_not := found.why_not():
            raise ProblemError(401, why_not)
        if found.scope not in self._scopes:
            raise ProblemError(403, f"This token opens only: {found.get_scope_display().lower()}.")
        # Reading must go on where nothing can be written for the moment.
        with suppress(DatabaseError):
            found.used()
        return found


class StaffSession(APIKeyCookie):
    """The cookie of a member of staff who has signed in on the pages."""

    param_name = settings.SESSION_COOKIE_NAME

    def __init__(self, *permissions: str) -> None:
        # Nothing is changed here, so there is nothing that another site could make a browser do.
        super().__init__(csrf=False)
        self._permissions = permissions

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        user = request.user
        if not (user.is_authenticated and user.is_active and user.is_staff):
            return None
        if not user.has_perms(self._permissions):
            raise ProblemError(403, "Your account may not see this.")
        return user


def readers(*permissions: str, scopes: tuple[str, ...] = ()) -> list[Any]:
    """Opens an operation to staff with `permissions`, and to tokens that read all or one of `scopes`."""
    return [Token({Scope.READ, *scopes}), StaffSession(*permissions)]
