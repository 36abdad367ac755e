"""The datagram we send to ourselves: known by form and by coming from this machine, and never an event."""

from __future__ import annotations

from pathlib import Path

import pytest

from events.models import ListenerNode, PssEvent, UdpSession
from ingest import selftest
from ingest.journal import Record
from ingest.listen import ListenError, open_sockets
from ingest.selftest import is_self_test
from tests.ingest.feed import Feed

TEST = b"restrike self-test " + b"0123456789abcdef" * 2 + b"\r\n"


@pytest.mark.parametrize(
    ("source", "payload", "is_ours"),
    [
        ("127.0.0.1", TEST, True),
        ("127.0.0.9", TEST, True),
        ("::1", TEST, True),
        ("192.168.1.13", TEST, False),
        ("fe80::1", TEST, False),
        ("127.0.0.1", TEST[:-1], False),
        ("127.0.0.1", TEST + b"pt1;3\r\n", False),
        ("127.0.0.1", b"pt1;3\r\n", False),
        ("127.0.0.1", TEST.upper(), False),
    ],
)
def test_self_test_is_known_by_its_form_and_by_this_machine(
    source: str, payload: bytes, is_ours: bool
) -> None:
    assert is_self_test(Record(1, 1, 6000, source, 40_000, payload)) == is_ours


def test_self_test_is_stored_as_no_event_and_never_between_others(db: None, tmp_path: Path) -> None:
    feed = Feed(tmp_path / "journal")
    feed.say(b"pt1;3\r\n", TEST, source="127.0.0.1")
    feed.say(TEST, source="192.168.1.13")  # comes over the network: an event like any other
    feed.say(b"pt1;1\r\n", source="127.0.0.1")
    feed.store()

    assert list(PssEvent.objects.order_by("id").values_list("raw", flat=True)) == [
        "pt1;3\\r\\n",
        TEST.decode().replace("\r\n", "\\r\\n"),
        "pt1;1\\r\\n",
    ]
    assert ListenerNode.objects.get().stored == 4
    assert list(UdpSession.objects.order_by("id").values_list("source", "events")) == [
        ("127.0.0.1", 2),
        ("192.168.1.13", 1),
    ]


def test_self_test_reaches_a_socket_on_ipv6() -> None:
    try:
        (one,) = open_sockets(["[::1]:0"])
    except ListenError:
        pytest.skip("this machine has no IPv6")
    with one:
        one.settimeout(5)
        selftest._send(f"[::]:{one.getsockname()[1]}", TEST)
        payload, source = one.recvfrom(100)

    assert (payload, source[0]) == (TEST, "::1")
