"""Redis as the cache: a server that is down costs time, never a page."""

from __future__ import annotations

import logging
from typing import Any

from django.core.cache.backends import redis
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# Seconds. Longer than Redis ever takes in one hall, and still a page that comes.
_PATIENCE = 0.5


class RedisCache(redis.RedisCache):
    """Django's, where trouble with the server is a miss and a line in the log."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        patience = {"socket_connect_timeout": _PATIENCE, "socket_timeout": _PATIENCE}
        super().__init__(server, {**params, "OPTIONS": patience | params.get("OPTIONS", {})})

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except RedisError as error:
            logger.warning("Redis did not answer, so what it keeps is worked out again: %s", error)
            return default

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        try:
            super().set(key, value, timeout, version)
        except RedisError as error:
            logger.warning("Redis did not take what it was to keep: %s", error)
