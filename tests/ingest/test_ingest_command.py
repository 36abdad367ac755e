"""`manage.py ingest` as real processes: it stores, it stops in order, it survives its children."""

import signal
import socket
from collections.abc import Callable

from tests.processes import Stack, wait_until


def test_ingest_stores_what_it_receives(stack: Stack) -> None:
    process = stack.start()
    assert f"Listening on 127.0.0.1:{stack.port}. Ctrl-C stops." in process.output

    stack.send(b"pt1;3\r\n", b"hl1;40\r\n", b"", b"\x00\xff", b"no such thing\r\n")
    stack.wait_for_events(5)

    assert stack.fetch("SELECT stream, status FROM events_pssevent ORDER BY sequence") == [
        ("pt1", "recognized"),
        ("hl1", "recognized"),
        ("", "malformed"),
        *stack.fetch("SELECT stream, status FROM events_pssevent WHERE sequence = 4"),
        *stack.fetch("SELECT stream, status FROM events_pssevent WHERE sequence = 5"),
    ]
    now = stack.status()
    assert (now["received"], now["stored"], now["backlog"], now["events"]) == (5, 5, 0, 5)


def test_ingest_sigterm_stores_what_was_received_and_exits_0(stack: Stack) -> None:
    process = stack.start()
    stack.send(*[b"pt1;3\r\n"] * 500)

    assert process.stop(signal.SIGTERM) == 0
    assert "Traceback" not in process.output
    now = stack.status()
    assert (now["received"], now["stored"], now["backlog"]) == (500, 500, 0)
    assert stack.count() == 500


def test_ingest_goes_on_after_its_children_are_killed(stack: Stack) -> None:
    process = stack.start()
    sent = 0
    for word in ("ingest.recorder", "import_journal") * 2:
        stack.send(b"pt1;3\r\n")
        child = wait_until(lambda word=word: process.child(word), what=f"{word} running")
        child.kill()
        stack.send(b"pt2;1\r\n")
        sent += 2
    stack.wait_for_events(sent)

    assert process.stop() == 0
    assert stack.count() == sent
    assert stack.status()["kernel_drops"] == 0


def test_ingest_listens_where_it_is_told(stack: Stack, udp_port: int) -> None:
    process = stack.start(
        "ingest",
        "--listen",
        f"127.0.0.1:{udp_port}",
        "--listen",
        f"127.0.0.1:{stack.port}",
        "--node",
        "hall-2",
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"pt1;3\r\n", ("127.0.0.1", udp_port))
    stack.send(b"pt1;3\r\n")
    stack.wait_for_events(2)

    assert process.stop() == 0
    assert stack.fetch("SELECT name, stored FROM events_listenernode") == [("hall-2", 2)]
    assert {port for (port,) in stack.fetch("SELECT local_port FROM events_udpsession")} == {
        udp_port,
        stack.port,
    }


def test_ingest_port_in_use_is_one_sentence(stack: Stack) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", stack.port))
        done = stack.manage("ingest", check=False)

    assert done.returncode == 1
    assert f"UDP port {stack.port} on 127.0.0.1 is in use by another program." in done.stderr
    assert "Traceback" not in done.stderr


def test_ingest_brings_its_journal_into_a_new_database(
    stack: Stack, make_stack: Callable[[str], Stack], empty_database: str
) -> None:
    process = stack.start()
    stack.send(*[b"pt1;%d\r\n" % (1 + number % 3) for number in range(50)])
    stack.wait_for_events(50)
    assert process.stop() == 0
    events = "SELECT sequence, stream, value, raw, received_at FROM events_pssevent ORDER BY id"
    before = stack.fetch(events)

    anew = make_stack(empty_database)
    anew.env["RESTRIKE_VAR"] = str(stack.var)
    anew.manage("bootstrap")
    anew.manage("import_journal", "--once")

    assert anew.fetch(events) == before
    now = anew.status()
    assert (now["received"], now["stored"], now["backlog"]) == (50, 50, 0)
