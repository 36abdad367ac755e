"""Where a webhook is; apart, since the system checks need it before there are models."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def split_webhook(text: str) -> SplitResult:
    """The address in its parts; ValueError when it is no http or https address."""
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or (url.port is not None and not url.port):
        raise ValueError("not an http or https address")
    return url
