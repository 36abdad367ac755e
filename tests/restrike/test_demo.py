import re
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from restrike.management.commands.demo import activate_today, make_courts, make_overlay
from tests.processes import Stack, wait_until
from tournaments.context import get_context
from tournaments.models import Court, Tournament

Make = Callable[[str], Stack]


def test_demo_plays_apart_from_everything_else_and_goes_without_a_trace(
    make_stack: Make, tcp_port: int
) -> None:
    stack = make_stack("postgres://nobody@127.0.0.1:1/real")
    demo = stack.start(
        "demo", "--web", f"127.0.0.1:{tcp_port}", "--listen", f"127.0.0.1:{stack.port}", "--courts", "2"
    )
    demo.wait_for_line("Point the scoring system here", 90)
    assert "password" in demo.output
    (overlay,) = re.findall(rf"http://127.0.0.1:{tcp_port}/overlay/1/\S+", demo.output)
    assert b"<html" in wait_until(lambda: opened(overlay), what="the overlay opens")
    stack.url = f"sqlite:///{stack.var / 'demo' / 'restrike.sqlite3'}"
    stack.wait_for_events(10)
    assert stack.fetch("SELECT DISTINCT name FROM tournaments_tournament") == [("Demo Open",)]
    assert stack.fetch("SELECT count(*) FROM events_pssevent WHERE tournament_id IS NULL") == [(0,)]

    assert stack.fetch("SELECT name FROM tournaments_court ORDER BY number") == [("Court 1",), ("Court 2",)]

    words = stack.fetch("SELECT password FROM auth_user")
    second = stack.manage("demo", "--web", "127.0.0.1:0", check=False)
    assert (second.returncode, second.stdout) == (1, "")
    assert "The demo is running. Stop it with Ctrl-C first." in second.stderr
    assert stack.fetch("SELECT password FROM auth_user") == words

    busy = stack.manage("demo", "--remove", check=False)
    assert busy.returncode == 1
    assert "Stop it with Ctrl-C first" in busy.stderr

    assert demo.stop(signal.SIGINT) == 0
    assert "Traceback" not in demo.output
    assert {path.name for path in stack.var.iterdir()} <= {"demo", "secret_key"}
    wait_until(lambda: stack.manage("demo", "--remove", check=False).returncode == 0, what="removed")
    assert not (stack.var / "demo").exists()


def opened(address: str) -> bytes:
    """The page without signing in; b"" while nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bytes(answer.read())
    except urllib.error.URLError:
        return b""


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--courts", "0", "--courts must be from 1 to 200"),
        ("--web", "127.0.0.1:x", "“127.0.0.1:x” is not an address for the pages."),
        ("--web", "TAKEN", "Is reStrike VTA running already?"),
    ],
)
def test_demo_that_cannot_start_makes_nothing(make_stack: Make, option: str, value: str, says: str) -> None:
    stack = make_stack("")
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        done = stack.manage("demo", option, value.replace("TAKEN", taken), check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert says in done.stderr
    assert not (stack.var / "demo" / "restrike.sqlite3").exists()


def test_demo_remove_leaves_what_is_not_the_demo(make_stack: Make) -> None:
    stack = make_stack("")
    (stack.var / "demo" / "journal").mkdir(parents=True)
    (stack.var / "restrike.sqlite3").write_text("real")

    assert "The demo is removed" in stack.manage("demo", "--remove").stdout
    assert not (stack.var / "demo").exists()
    assert (stack.var / "restrike.sqlite3").read_text() == "real"
    assert stack.manage("demo", "--remove").stdout == "There is no demo to remove.\n"


def test_demo_day_is_today_and_active_once(db: None) -> None:
    day = activate_today()

    assert day.date == timezone.localdate()
    assert activate_today() == day
    context = get_context()
    assert context is not None
    assert context.day == day


def test_demo_of_yesterday_goes_on_today(db: None) -> None:
    yesterday = timezone.localdate() - timedelta(1)
    Tournament.objects.create(name="Demo Open", slug="demo-open", start_date=yesterday, end_date=yesterday)

    day = activate_today()

    assert (day.number, day.date) == (2, timezone.localdate())


def test_demo_has_one_overlay_whatever_staff_made_of_its_court(db: None) -> None:
    make_courts(1)
    overlay = make_overlay()
    assert overlay is not None
    Court.objects.update(number=9)
    again = make_overlay()
    assert again == overlay
    assert "/overlay/9/" in again.path

    overlay.revoke()
    assert make_overlay() is None
    Court.objects.all().delete()
    assert make_overlay() is None
