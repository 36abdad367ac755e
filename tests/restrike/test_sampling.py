"""What a web process measures about itself."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import pytest

from events.models import WebSample
from restrike import sampling
from restrike.sampling import WebSampler, sampled
from tests.processes import wait_until


@pytest.mark.django_db(transaction=True)
def test_a_web_process_writes_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SECONDS", 1)
    monkeypatch.setattr(sampling, "viewers", lambda: 3)
    sampler = WebSampler(look_every_s=0.02)
    sampler.begin()
    try:
        wait_until(lambda: WebSample.objects.count() >= 2, 20)
    finally:
        sampler.end()

    row = WebSample.objects.order_by("at").first()
    assert row is not None
    assert row.name.endswith(f" {os.getpid()}")
    assert (row.step, row.viewers) == (1, 3)
    assert row.memory_bytes
    assert row.memory_bytes > 1e6
    assert 0 <= row.covered_ms <= 1_000
    assert abs(row.at.timestamp() - time.time()) < 30


def test_measuring_begins_with_the_first_page() -> None:
    begun: list[str] = []
    served: list[str] = []

    class Sampler(WebSampler):
        def begin(self) -> None:
            begun.append("now")

    async def application(scope: Any, receive: Any, send: Any) -> None:
        served.append(scope["type"])

    wrapped = sampled(application, Sampler())
    for kind in ("websocket", "http", "http"):
        asyncio.run(wrapped({"type": kind}, None, None))  # type: ignore[arg-type]

    assert served == ["websocket", "http", "http"]
    assert begun == ["now"]
