"""A whole installation for a real browser: recorder, importer and web server on ports of their own."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.conftest import on_postgresql
from tests.processes import Process, Stack, free_port, wait_until

USER, PASSWORD = "operator", "Poomsae-6000"

_ENDED = """
SELECT m.id, m.winner, c.source FROM events_match m JOIN tournaments_court c ON c.id = m.court_id
WHERE m.ended_at IS NOT NULL AND m.id > {after}"""

_MAKE_USERS = f"""
from django.contrib.auth.models import User
User.objects.create_superuser({USER!r}, "", {PASSWORD!r})
"""


class LiveStack:
    """`ingest` and `daphne`; `web_url` is where the browser goes."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.web_port = free_port(socket.SOCK_STREAM)
        self.web_url = f"http://127.0.0.1:{self.web_port}"
        self.web: Process | None = None
        self.ingest: Process | None = None

    def start(self) -> None:
        self.stack.manage("shell", "-v0", "-c", _MAKE_USERS)
        self.start_web()
        self.ingest = self.stack.start("ingest")

    def start_web(self) -> None:
        args = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.web_port)]
        self.web = Process([*args, "restrike.asgi:application"], self.stack.env)
        self.stack.processes.append(self.web)
        wait_until(self._answers, 40, "the web server")

    def stop_web(self) -> None:
        assert self.web
        self.web.stop(signal.SIGTERM)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.web_url}/login/", timeout=5):
            return True
        return False

    def simulate(self, *args: str) -> Process:
        """`manage.py simulate` to the recorder, in the background."""
        process = Process(
            self.stack.command("simulate", "--target", f"127.0.0.1:{self.stack.port}", *args), self.stack.env
        )
        self.stack.processes.append(process)
        return process

    def settled(self) -> None:
        """Until everything that was received is in the database."""

        def done() -> bool:
            status = self.stack.status()
            return bool(status["received"] and status["backlog"] == 0)

        wait_until(done, 40, "an empty backlog")


@pytest.fixture(scope="session")
def live_stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveStack]:
    """One installation for all browser tests; each brings its own courts."""
    directory: Path = tmp_path_factory.mktemp("live")
    if on_postgresql():
        url = request.getfixturevalue("postgres_server").create()
    else:
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copyfile(template, directory / "restrike.sqlite3")
        url = f"sqlite:///{directory / 'restrike.sqlite3'}"
    stack = LiveStack(Stack(directory, url))
    try:
        stack.start()
        yield stack
    finally:
        stack.stack.close()


@pytest.fixture(scope="session")
def match(live_stack: LiveStack) -> tuple[int, str, str]:
    """Key, winner and sender of a simulated match; it lasted some ten seconds."""
    # Other tests have matches of their own, and some of those end too.
    ((after,),) = live_stack.stack.fetch("SELECT coalesce(max(id), 0) FROM events_match")
    played = live_stack.simulate("--courts", "1", "--matches", "1", "--speed", "40", "--seed", "7")
    assert played.wait(90) == 0, played.output
    ended = _ENDED.format(after=after)
    (found,) = wait_until(lambda: live_stack.stack.fetch(ended), 20, "the end of the match")
    live_stack.settled()
    return found


@pytest.fixture(scope="session")
def login(live_stack: LiveStack, browser: Browser) -> dict[str, Any]:
    """The cookies of a signed-in member of staff; the sign-in form itself is used to get them."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{live_stack.web_url}/login/?next=/live/")
        page.fill("input[name=username]", USER)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url("**/live/")
        state: dict[str, Any] = dict(context.storage_state())
    return state


@pytest.fixture
def browser_context_args(
    browser_context_args: dict[str, Any], live_stack: LiveStack, login: dict[str, Any]
) -> dict[str, Any]:
    return {
        **browser_context_args,
        "base_url": live_stack.web_url,
        "storage_state": login,
        "viewport": {"width": 1366, "height": 768},
    }


@pytest.fixture
def live(page: Page, context: BrowserContext) -> Iterator[Page]:
    """The live page, connected. Whatever its scripts complain of fails the test."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            # A connection that is cut on purpose is logged by the browser itself.
            if message.type == "error" and "WebSocket" not in message.text and "net::" not in message.text
            else None
        ),
    )
    open_live(page)
    yield page
    assert complaints == []


def open_live(page: Page, query: str = "") -> None:
    page.goto(f"/live/{query}")
    page.locator("[data-live=connection][data-state=open]").wait_for()
