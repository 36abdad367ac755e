"""The steps of `tests.events.whole_life` in the admin: its pages, asked as a browser asks them."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.parse
import urllib.request

from tests.events.whole_life import PASSWORD, SLUG, USER
from tests.processes import Stack, wait_until

# For what a page began: far more than it takes, and an end for what never ends.
_PATIENCE_S = 240


class AdminPages:
    def __init__(self, stack: Stack, web_url: str) -> None:
        self.stack = stack
        self.web_url = web_url
        self._cookies = http.cookiejar.CookieJar()
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies)).open
        self.get("/login/?next=/")
        self.post("/login/?next=/", username=USER, password=PASSWORD)

    def back_up(self) -> None:
        self._wait(self.post("/backups/make/", tournament=self._tournament()))

    def delete(self) -> None:
        self._wait(self.post(f"/tournaments/{self._tournament()}/delete/", typed=SLUG))

    def restore(self) -> None:
        (backup,) = self.stack.fetch("SELECT id FROM events_backup WHERE kind = 'manual'")[0]
        page = f"/backups/{backup}/restore/"
        told = self._wait(self.post(page, mode="new"))
        assert "This would happen" in told, told
        self._wait(self.post(page, mode="new", confirmed="1"))

    def archive(self) -> None:
        self._move("archive")

    def bring_back(self) -> None:
        self._move("bring_back")

    def get(self, path: str) -> str:
        with self._open(urllib.parse.urljoin(self.web_url, path), timeout=60) as answer:
            return str(answer.read().decode())

    def post(self, path: str, **fields: object) -> str:
        """The address that it led to."""
        token = next(cookie.value for cookie in self._cookies if cookie.name == "csrftoken")
        data = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token}).encode()
        with self._open(urllib.parse.urljoin(self.web_url, path), data, timeout=60) as answer:
            return str(answer.url)

    def _tournament(self) -> int:
        return int(self.stack.fetch(f"SELECT id FROM tournaments_tournament WHERE slug = '{SLUG}'")[0][0])

    def _move(self, direction: str) -> None:
        page = f"/events/archive/{self._tournament()}/"
        self.post(page, direction=direction)
        wait_until(lambda: 'data-running="1"' not in self.get(f"{page}progress/"), _PATIENCE_S, direction)

    def _wait(self, action: str) -> str:
        """Until the action at this address is over; what its page says then."""
        assert re.search(r"/backups/action/[0-9a-f-]+/$", action), action
        wait_until(lambda: '"state": "running"' not in self.get(f"{action}state/"), _PATIENCE_S, action)
        page = self.get(action)
        assert 'id="result"' in page, page
        return page
