"""Messages to a webhook and by e-mail: what is said, and what happens when nobody takes it."""

from __future__ import annotations

import hashlib
import hmac
import socket
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone

from events.alerts import outbox, receivers
from events.models import AlertDelivery
from events.models_alerts import Channel, Occasion
from restrike.checks import check_receivers
from tests.events.alerts.hall import make_alert
from tests.events.alerts.receiver import Receiver, receiving
from tests.factories import NOON
from tests.processes import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with receiving() as receiver:
        settings.ALERT_WEBHOOK_URL = receiver.url
        yield receiver


def put(**about: Any) -> AlertDelivery:
    """A message about a new alert, on its way."""
    outbox.put([(make_alert(**about), Occasion.FIRING)], timezone.now())
    delivery = AlertDelivery.objects.first()
    assert delivery
    return delivery


def test_webhook_is_told_everything(receiver: Receiver) -> None:
    delivery = put()
    assert outbox.send_due(Channel.WEBHOOK) == 1
    (message,) = receiver.messages
    assert message["id"] == str(delivery.key)
    assert {
        name: message[name] for name in ("occasion", "kind", "title", "subject", "urgent", "value", "limit")
    } == {
        "occasion": "firing",
        "kind": "court_silent",
        "title": "Court silent while its clock runs",
        "subject": "Court 3",
        "urgent": True,
        "value": 25,
        "limit": 10,
    }
    headers, _ = receiver.got[0]
    assert headers["Content-Type"] == "application/json"
    assert "X-Restrike-Signature" not in headers
    delivery.refresh_from_db()
    assert (delivery.state_in_words, delivery.attempts, delivery.error) == ("arrived", 1, "")
    assert outbox.send_due(Channel.WEBHOOK) == 0


def test_webhook_is_signed_with_the_secret(receiver: Receiver, settings: Any) -> None:
    settings.ALERT_WEBHOOK_SECRET = "a secret"
    put()
    outbox.send_due(Channel.WEBHOOK)
    headers, body = receiver.got[0]
    signed = headers["X-Restrike-Timestamp"].encode() + b"." + body
    wanted = hmac.new(b"a secret", signed, hashlib.sha256).hexdigest()
    assert headers["X-Restrike-Signature"] == f"sha256={wanted}"


@pytest.mark.parametrize("status", [500, 404, 302, 307])
def test_webhook_that_refuses_is_tried_again_after_longer_and_longer(receiver: Receiver, status: int) -> None:
    receiver.status = status
    receiver.headers = {"Location": receiver.url}
    delivery = put()
    pauses = []
    for attempt in range(1, 13):
        now = timezone.now()
        AlertDelivery.objects.update(next_at=now)
        assert outbox.send_due(Channel.WEBHOOK) == 1
        delivery.refresh_from_db()
        assert (delivery.attempts, delivery.error) == (attempt, f"It answered with status {status}.")
        pauses.append(round((delivery.next_at - now).total_seconds()))
        assert outbox.send_due(Channel.WEBHOOK) == 0
    assert pauses[:4] == [5, 10, 20, 40]
    assert set(pauses[8:]) == {outbox.LONGEST_PAUSE_S}
    # A redirect was not followed either.
    assert len(receiver.got) == 12
    receiver.status = 204
    AlertDelivery.objects.update(next_at=timezone.now())
    outbox.send_due(Channel.WEBHOOK)
    delivery.refresh_from_db()
    assert delivery.sent_at is not None


def test_webhook_that_is_away_is_given_up_after_a_day(settings: Any) -> None:
    settings.ALERT_WEBHOOK_URL = f"http://127.0.0.1:{free_port(socket.SOCK_STREAM)}/"
    delivery = put()
    outbox.send_due(Channel.WEBHOOK)
    delivery.refresh_from_db()
    assert (delivery.state_in_words, delivery.error) == (
        "waiting",
        "It cannot be reached: Connection refused.",
    )
    AlertDelivery.objects.update(
        made_at=timezone.now() - timedelta(days=1, minutes=1), next_at=timezone.now()
    )
    outbox.send_due(Channel.WEBHOOK)
    delivery.refresh_from_db()
    assert delivery.state_in_words == "given up"


def test_webhook_that_is_slow_is_left_after_a_while(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.slow = True
    monkeypatch.setattr(receivers, "TIMEOUT_S", 0.2)
    delivery = put()
    outbox.send_due(Channel.WEBHOOK)
    delivery.refresh_from_db()
    assert delivery.error.startswith("It did not answer within")


def test_webhook_that_speaks_nonsense_is_told_as_away(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.ALERT_WEBHOOK_URL = f"http://127.0.0.1:{server.getsockname()[1]}/"
        delivery = put()
        server.settimeout(10)

        def answer() -> None:
            client, _ = server.accept()
            with client:
                client.recv(65536)
                client.sendall(b"\x00\xff nonsense\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        outbox.send_due(Channel.WEBHOOK)
        thread.join(10)
    delivery.refresh_from_db()
    assert delivery.error.startswith("It cannot be reached: ")


def test_outbox_is_bounded_and_keeps_the_newest(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST_WAITING", 3)
    for n in range(5):
        put(subject=f"court:{n}")
    waiting = AlertDelivery.objects.filter(sent_at=None, gave_up_at=None).order_by("id")
    assert [delivery.alert.subject for delivery in waiting if delivery.alert] == [
        "court:2",
        "court:3",
        "court:4",
    ]
    assert AlertDelivery.objects.filter(error="Too many were waiting.").count() == 2


def test_a_message_that_another_process_sends_is_left_to_it(receiver: Receiver) -> None:
    delivery = put()
    AlertDelivery.objects.update(next_at=timezone.now() + outbox.CLAIMED_FOR)
    assert outbox.send_due(Channel.WEBHOOK) == 0
    assert receiver.got == []
    # It died on the way: a minute later it is ours.
    assert outbox.send_due(Channel.WEBHOOK, timezone.now() + outbox.CLAIMED_FOR) == 1
    assert receiver.messages[0]["id"] == str(delivery.key)


def test_old_messages_are_forgotten(receiver: Receiver) -> None:
    put()
    outbox.prune(timezone.now() + outbox.KEPT - timedelta(minutes=1))
    assert AlertDelivery.objects.count() == 1
    outbox.prune(timezone.now() + outbox.KEPT + timedelta(minutes=1))
    assert AlertDelivery.objects.count() == 0


def test_nobody_is_told_where_nobody_is_configured() -> None:
    assert outbox.put([(make_alert(), Occasion.FIRING)], timezone.now()) is False
    assert not AlertDelivery.objects.exists()


# --- E-mail -------------------------------------------------------------------------------------------


def test_email_says_what_and_what_to_do(settings: Any) -> None:
    settings.ALERT_EMAIL_TO = ["desk@example.org", "hall@example.org"]
    delivery = put(name="Court 3\nBcc: all@example.org", began_at=NOON)
    outbox.send_due(Channel.EMAIL)
    (sent,) = mail.outbox
    assert sent.to == ["desk@example.org", "hall@example.org"]
    assert sent.subject == (
        "reStrike VTA: Alert: Court silent while its clock runs · Court 3 Bcc: all@example.org"
    )
    assert "Court 3 has sent nothing for 25 s" in sent.body
    assert "What to do: Look at the scoring system" in sent.body
    assert sent.body.endswith("Since Sat 21 Nov 2026, 12:00:00 (UTC)")
    delivery.refresh_from_db()
    assert delivery.sent_at is not None


def test_email_that_cannot_be_sent_waits(settings: Any) -> None:
    settings.ALERT_EMAIL_TO = ["desk@example.org"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port(socket.SOCK_STREAM)
    delivery = put()
    outbox.send_due(Channel.EMAIL)
    delivery.refresh_from_db()
    assert (delivery.state_in_words, delivery.error) == ("waiting", "It cannot be sent: Connection refused.")


# --- The test by hand, and settings --------------------------------------------------------------------


def test_command_sends_a_test_and_says_whether_it_arrived(receiver: Receiver, settings: Any) -> None:
    settings.ALERT_EMAIL_TO = ["desk@example.org"]
    said, wrong = StringIO(), StringIO()
    call_command("alerts", "--test", stdout=said)
    host = f"http://127.0.0.1:{receiver.server.server_port}"
    assert said.getvalue().splitlines() == [
        f"Webhook, {host}: delivered.",
        "E-mail, desk@example.org: delivered.",
    ]
    assert receiver.messages[0]["occasion"] == "test"
    receiver.status = 500
    with pytest.raises(CommandError, match="Not every receiver"):
        call_command("alerts", "--test", stdout=said, stderr=wrong)
    assert "Webhook" in wrong.getvalue()
    assert "status 500" in wrong.getvalue()


def test_command_says_that_there_is_no_receiver() -> None:
    with pytest.raises(CommandError, match="Set ALERT_WEBHOOK_URL or ALERT_EMAIL_TO"):
        call_command("alerts", "--test")


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "example.org", "http://", "file:///etc/passwd", "http://h:x/"]
)
def test_webhook_address_has_to_be_http(url: str, settings: Any) -> None:
    settings.ALERT_WEBHOOK_URL = url
    assert [message.id for message in check_receivers(None)] == ["restrike.E020"]
    with pytest.raises(receivers.NotDeliveredError):
        receivers.send(Channel.WEBHOOK, uuid.uuid4(), {})


def test_email_addresses_have_to_be_some(settings: Any) -> None:
    settings.ALERT_EMAIL_TO = ["desk@example.org", "desk"]
    assert [message.id for message in check_receivers(None)] == ["restrike.E021"]
