import http.client
import signal
import socket
from collections.abc import Callable

import pytest

from tests.processes import Process, Stack, wait_until

Make = Callable[[str], Stack]


def start(stack: Stack, web_port: int) -> Process:
    return stack.start("start", "--web", f"127.0.0.1:{web_port}")


def get(port: int, path: str) -> int:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    client.request("GET", path)
    status = client.getresponse().status
    client.close()
    return status


def test_start_records_and_serves_until_ctrl_c(stack: Stack, tcp_port: int) -> None:
    process = start(stack, tcp_port)
    process.wait_for_line("Point the scoring system here", 60)

    assert f"listener  listening on 127.0.0.1:{stack.port} (UDP)" in process.output
    assert "database  storing in" in process.output
    assert f"web       answering on http://127.0.0.1:{tcp_port}" in process.output
    assert f"127.0.0.1  port {stack.port}" in process.output
    assert get(tcp_port, "/login/") == 200
    stack.send(b"pt1;3\r\n")
    stack.wait_for_events(1)

    children = [process.child(word) for word in ("ingest.recorder", "import_journal", "daphne")]
    assert all(children)
    assert process.stop(signal.SIGINT) == 0
    assert process.lines[-1] == "Stopped. Everything received is kept."
    assert not any(child and child.is_running() for child in children)
    assert "Traceback" not in process.output


def test_start_stops_cleanly_before_it_is_ready(stack: Stack, tcp_port: int) -> None:
    process = start(stack, tcp_port)
    process.wait_for_line("Ctrl-C stops it")
    wait_until(lambda: process.child("import_journal"), what="the importer starting")

    assert process.stop(signal.SIGINT) == 0
    assert "Traceback" not in process.output


def test_start_brings_back_a_web_server_that_was_killed(stack: Stack, tcp_port: int) -> None:
    process = start(stack, tcp_port)
    process.wait_for_line("web       answering", 60)
    first = process.child("daphne")
    assert first
    first.kill()

    def replaced() -> bool:
        now = process.child("daphne")
        return now is not None and now.pid != first.pid

    wait_until(replaced, what="a new web server")
    wait_until(lambda: _answers(tcp_port), what="the new web server answering")


def _answers(port: int) -> bool:
    try:
        return get(port, "/login/") == 200
    except OSError:
        return False


def test_start_says_that_the_udp_port_is_in_use(stack: Stack, tcp_port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", stack.port))
        done = stack.manage("start", "--web", f"127.0.0.1:{tcp_port}", check=False)

    assert done.returncode == 1
    assert f"UDP port {stack.port} on 127.0.0.1 is in use by another program." in done.stderr
    assert "Traceback" not in done.stderr


def test_start_says_that_the_web_port_is_in_use(stack: Stack, tcp_port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind(("127.0.0.1", tcp_port))
        other.listen()
        done = stack.manage("start", "--web", f"127.0.0.1:{tcp_port}", check=False)

    assert done.returncode == 1
    assert f"The pages cannot be served at 127.0.0.1:{tcp_port}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("INGEST_BATCH_SIZE", "0", "INGEST_BATCH_SIZE is 0, but has to be between 1 and 2,000 events."),
        ("INGEST_LISTEN", "here", "INGEST_LISTEN has “here”, which is no HOST:PORT."),
        ("INGEST_NODE", "../up", "“../up” cannot be the name of a listener."),
    ],
)
@pytest.mark.parametrize("command", ["start", "ingest"])
def test_start_and_ingest_refuse_settings_that_cannot_work(
    command: str, variable: str, value: str, says: str, stack: Stack
) -> None:
    stack.env[variable] = value

    done = stack.manage(command, check=False)

    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_start_on_a_database_without_tables_says_how_to_make_them(
    empty_database: str, make_stack: Make
) -> None:
    done = make_stack(empty_database).manage("start", check=False)

    assert done.returncode == 1
    assert "/bin/python manage.py bootstrap" in done.stderr
