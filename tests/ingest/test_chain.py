"""From the court's socket to the database, through every process that is in between."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any

import pytest

from ingest.protocol import unescape
from ingest.simulator import SimulatedCourt
from tests.captures import capture
from tests.ingest.test_importer_bad_input import BAD
from tests.processes import Stack

# How many times as fast as it was played: nine minutes in less than twenty seconds.
SPEED = 30


def play(stack: Stack, datagrams: list[tuple[float, bytes]], source: str, speed: float) -> None:
    """Sends from one socket at the times given, in seconds from the first."""
    pause = threading.Event()
    begin = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        for seconds, payload in datagrams:
            pause.wait(max(0.0, seconds / speed - (time.monotonic() - begin)))
            sender.sendto(payload, ("127.0.0.1", stack.port))


def rows(stack: Stack, sql: str) -> list[tuple[Any, ...]]:
    """As `fetch`, with JSON columns read whatever the database gives for them."""
    return [
        tuple(json.loads(v) if isinstance(v, str) and v[:1] in "[{" and v[1:] else v for v in row)
        for row in stack.fetch(sql)
    ]


@pytest.mark.slow
def test_both_outputs_of_a_court_at_once_are_one_match_and_json_alone_the_same(stack: Stack) -> None:
    text, objects = capture("a_bestof3_full"), capture("a_bestof3_full.json_udp")
    process = stack.start()
    senders = [
        threading.Thread(target=play, args=(stack, datagrams, source, 2 * SPEED))
        for datagrams, source in ((text, "127.0.0.13"), (objects, "127.0.0.13"), (objects, "127.0.0.14"))
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    stack.wait_for_events(len(text) + 2 * len(objects))
    assert process.stop() == 0
    assert stack.count() == len(text) + 2 * len(objects)
    matches = rows(
        stack,
        "SELECT c.source, m.number, m.phase, m.rounds, m.gam_jeoms, m.winner, m.decision FROM events_match m"
        " JOIN tournaments_court c ON c.id = m.court_id ORDER BY c.source",
    )
    rounds, gam_jeoms = [[13, 8, 1], [0, 11, 2], [7, 7, 1]], [[1, 0], [0, 0], [0, 0]]
    # PostgreSQL gives an address, SQLite its text.
    assert [(str(source), *match) for source, *match in matches] == [
        ("127.0.0.13", "101", "Final", rounds, gam_jeoms, "blue", "PTF"),
        ("127.0.0.14", "101", "", rounds, gam_jeoms, "blue", "PTF"),
    ]
    counted = dict(
        rows(
            stack,
            "SELECT e.kind, count(*) FROM events_pssevent e JOIN tournaments_court c ON c.id = e.court_id"
            " WHERE c.source = '127.0.0.13' AND e.kind IN ('point', 'hit', 'echo') GROUP BY e.kind",
        )
    )
    # What the text output alone says, and every object beside it.
    assert counted == {"point": 18, "hit": 495, "echo": len(objects)}
    assert stack.fetch("SELECT count(*) FROM events_udpsession WHERE concurrent") == [(0,)]


@pytest.mark.slow
def test_the_captured_match_through_a_real_socket_is_stored_as_it_was_played(stack: Stack) -> None:
    datagrams = capture("a_bestof3_full")
    process = stack.start()
    # On another court at the same time another match, of the other dialect.
    game = SimulatedCourt(2, seed=3, dialect="P")
    other = [(d.seconds, d.payload) for d in game.datagrams()]
    thread = threading.Thread(target=play, args=(stack, other, "127.0.0.12", SPEED))
    thread.start()
    play(stack, datagrams, "127.0.0.11", SPEED)
    thread.join()
    stack.wait_for_events(len(datagrams) + len(other))
    assert process.stop() == 0
    assert stack.count() == len(datagrams) + len(other)

    # What the operator played: ../shared/captures/README.md.
    columns = (
        "m.number, m.phase, m.category, m.division, b.name, b.country, r.name, r.country,"
        " m.rounds_planned, m.round_seconds, m.body_level, m.head_level,"
        " m.rounds, m.gam_jeoms, m.winner, m.decision"
    )
    matches = rows(
        stack,
        f"SELECT {columns} FROM events_match m JOIN events_athlete b ON b.id = m.blue_id"
        " JOIN events_athlete r ON r.id = m.red_id JOIN tournaments_court c ON c.id = m.court_id"
        " WHERE c.source = '127.0.0.11'",
    )
    assert matches == [
        (
            "101",
            "Final",
            "MEN M -68KG",
            "SENIORS",
            "LEE DH",
            "KOR",
            "DELL'AQUILA V",
            "ITA",
            3,
            120,
            21,
            5,
            [[13, 8, 1], [0, 11, 2], [7, 7, 1]],
            [[1, 0], [0, 1], [0, 0]],
            "blue",
            "PTF",
        )
    ]
    ((replays, referees),) = rows(
        stack, "SELECT replays, referees FROM events_match WHERE number = '101' AND phase = 'Final'"
    )
    assert [(replay["side"], replay["state"]) for replay in replays] == [(1, "accepted"), (2, "denied")]
    assert referees["referee"] == {"name": "SMITH J", "ioc": "USA"}
    assert [judge["name"] for judge in referees["judges"]] == ["GARCIA M", "KIM S", "DUPONT A"]
    # Every byte, in the order it was sent.
    stored = stack.fetch(
        "SELECT e.raw FROM events_pssevent e JOIN events_udpsession s ON s.id = e.session_id"
        " WHERE s.source = '127.0.0.11' ORDER BY e.sequence"
    )
    assert [unescape(raw) for (raw,) in stored] == [payload for _, payload in datagrams]

    (story,) = game.stories
    ((winner, decision, rounds),) = rows(
        stack, f"SELECT winner, decision, rounds FROM events_match WHERE number = '{story.number}'"
    )
    assert winner == ("tie", "blue", "red")[story.winner]
    assert decision == story.decision
    assert rounds == [[r.blue, r.red, r.winner] for r in story.rounds]


def test_bad_input_through_a_real_socket_is_stored_and_stops_nothing(stack: Stack) -> None:
    process = stack.start()
    for payload in BAD.values():
        stack.send(payload, b"pt1;3\r\n")
    good = len(BAD)
    wanted = "SELECT count(*) FROM events_pssevent WHERE raw = 'pt1;3\\r\\n' AND status = 'recognized'"
    stack.wait_for_events(2 * good)
    assert process.stop() == 0
    assert "Traceback" not in process.output
    assert stack.fetch(wanted)[0][0] >= good
    stored = b"".join(
        unescape(raw) for (raw,) in stack.fetch("SELECT raw FROM events_pssevent ORDER BY sequence")
    )
    assert stored == b"".join(payload + b"pt1;3\r\n" for payload in BAD.values())
    assert stack.status()["backlog"] == 0
