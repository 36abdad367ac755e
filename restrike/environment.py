"""The environment as settings read it; a value that makes no sense becomes one sentence."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

_WHAT = {int: "a whole number", bool: "True or False"}
_BOOLEANS = {"true", "false", "yes", "no", "on", "off", "1", "0", ""}
EMAIL_EXAMPLES = (
    "Examples: smtp+tls://user:password@mail.example.org:587, smtp+ssl://user:password@mail.example.org:465, "
    "smtp://127.0.0.1:25."
)
_EMAIL_SCHEMES = {"smtp", "smtps", "smtp+tls", "smtp+ssl", "consolemail", "filemail", "dummymail"}
_REDIS = ("redis", "rediss", "rediscache")
DATABASE_EXAMPLES = (
    "Examples: sqlite:////srv/restrike/restrike.sqlite3, postgres://user:password@host:5432/name. "
    "Leave it out for a file in RESTRIKE_VAR."
)


class Env(environ.Env):  # type: ignore[misc]
    """django-environ, with `ImproperlyConfigured` in plain words for every bad value."""

    CACHE_SCHEMES = environ.Env.CACHE_SCHEMES | dict.fromkeys(_REDIS, "restrike.caches.RedisCache")

    def get_value(self, var: str, cast: Any = None, *args: Any, **kwargs: Any) -> Any:
        given = str(self.ENVIRON.get(var, "")).strip()
        # django-environ reads anything that it does not know as False.
        bad = cast is bool and given.lower() not in _BOOLEANS
        if not bad:
            try:
                return super().get_value(var, cast, *args, **kwargs)
            except ValueError:
                bad = True
        raise ImproperlyConfigured(f"{var} is “{given}”, but has to be {_WHAT.get(cast, 'something else')}.")

    def choice(self, var: str, allowed: Collection[str], default: str, examples: str) -> str:
        """A text that has to be one of `allowed`."""
        value: str = self.str(var, default=default).strip()
        if value not in allowed:
            raise ImproperlyConfigured(f"{var} is “{value}”, but has to be {examples}.")
        return value

    def email_server(self) -> dict[str, Any]:
        """`EMAIL_URL` as Django's `EMAIL_…` settings; a server on this machine when it is not there."""
        url = self.str("EMAIL_URL", default="").strip() or "smtp://127.0.0.1:25"
        try:
            config: dict[str, Any] = self.email_url_config(url)
        except (ValueError, ImproperlyConfigured):
            config = {}
        scheme = url.partition(":")[0]
        if scheme not in _EMAIL_SCHEMES or (scheme.startswith("smtp") and not config.get("EMAIL_HOST")):
            raise ImproperlyConfigured(f"EMAIL_URL names no mail server. {EMAIL_EXAMPLES}")
        # What the address does not say is as Django has it.
        return {
            name: value for name, value in config.items() if value not in (None, "") and name != "OPTIONS"
        }

    def database(self, default_file: Path) -> dict[str, Any]:
        """`DATABASE_URL` as Django's `DATABASES` has it; `default_file` when it is empty or not there."""
        url = self.str("DATABASE_URL", default="").strip()
        if not url:
            return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(default_file)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unknown engine is answered below
            try:
                config: dict[str, Any] = self.db_url_config(url)
            except ValueError:
                config = {}
        engine = config.get("ENGINE", "")
        if (
            engine not in {"django.db.backends.sqlite3", "django.db.backends.postgresql"}
            or not config["NAME"]
        ):
            raise ImproperlyConfigured(
                f"DATABASE_URL names no SQLite or PostgreSQL database. {DATABASE_EXAMPLES}"
            )
        return config
