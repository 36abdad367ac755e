"""Those who are told beside the pages: a webhook and e-mail, where the settings name them."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import smtplib
import ssl
import time
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone
from django.utils.formats import date_format

from events.alerts.addresses import split_webhook
from events.models_alerts import Channel, Occasion

#: Seconds for connecting and for each answer.
TIMEOUT_S = 10.0


class NotDeliveredError(Exception):
    """Why it did not arrive, in words for the page."""


def configured() -> list[Channel]:
    found = [Channel.WEBHOOK] if settings.ALERT_WEBHOOK_URL else []
    return [*found, Channel.EMAIL] if settings.ALERT_EMAIL_TO else found


def described(channel: Channel) -> str:
    """Whom it reaches, without what is secret in an address."""
    if channel is Channel.EMAIL:
        return ", ".join(settings.ALERT_EMAIL_TO)
    url = split_webhook(settings.ALERT_WEBHOOK_URL)
    return f"{url.scheme}://{url.hostname}" + (f":{url.port}" if url.port else "")


def send(channel: Channel, key: UUID, message: dict[str, Any]) -> None:
    """Raises NotDeliveredError unless the receiver has taken it."""
    if channel is Channel.WEBHOOK:
        _post(key, message)
    else:
        _mail(message)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of `timestamp.body`, hexadecimal."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _post(key: UUID, message: dict[str, Any]) -> None:
    """One POST. Redirects are an answer like any other that is not 2xx: they are not followed."""
    body = json.dumps({"id": str(key), **message}).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "reStrike-VTA",
        "X-Restrike-Timestamp": timestamp,
    }
    if secret := settings.ALERT_WEBHOOK_SECRET:
        headers["X-Restrike-Signature"] = f"sha256={signature(secret, timestamp, body)}"
    try:
        url = split_webhook(settings.ALERT_WEBHOOK_URL)
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        client = _client(url)
        try:
            client.request("POST", path, body, headers)
            status = client.getresponse().status
        finally:
            client.close()
    except TimeoutError:
        raise NotDeliveredError(f"It did not answer within {TIMEOUT_S:.0f} s.") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotDeliveredError(f"It cannot be reached: {_reason(error)}.") from None
    if not 200 <= status < 300:
        raise NotDeliveredError(f"It answered with status {status}.")


def _client(url: SplitResult) -> http.client.HTTPConnection:
    assert url.hostname
    if url.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(url.hostname, url.port, timeout=TIMEOUT_S, context=context)
    return http.client.HTTPConnection(url.hostname, url.port, timeout=TIMEOUT_S)


def _mail(message: dict[str, Any]) -> None:
    occasion = Occasion(message["occasion"])
    about = " · ".join(filter(None, [message["title"], message.get("subject")]))
    # A header is one line; names come from outside.
    subject = " ".join(f"reStrike VTA: {occasion.label}: {about}".split())
    lines = [message["text"]]
    if occasion is not Occasion.RESOLVED and message.get("advice"):
        lines += ["", f"What to do: {message['advice']}"]
    if message.get("began_at"):
        lines += ["", f"Since {_moment(message['began_at'])}"]
    if message.get("resolved_at"):
        lines.append(f"Over since {_moment(message['resolved_at'])}")
    try:
        EmailMessage(subject[:200], "\n".join(lines), to=settings.ALERT_EMAIL_TO).send()
    except (OSError, smtplib.SMTPException) as error:
        raise NotDeliveredError(f"It cannot be sent: {_reason(error)}.") from None


def _moment(iso: str) -> str:
    """ "Sat 1 Feb 2025, 10:05:09 (UTC)" """
    at = timezone.localtime(datetime.fromisoformat(iso))
    return f"{date_format(at, 'D j M Y, H:i:s')} ({timezone.get_current_timezone_name()})"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # What a receiver sends may hold anything, and PostgreSQL takes no NUL.
    said = "".join(character if character.isprintable() else " " for character in str(error))
    return " ".join(said.split()) or type(error).__name__
