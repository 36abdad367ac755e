"""`python -m bench.viewers`: viewers of the live page without a browser, timing what reaches them.

Each viewer is a WebSocket with a staff session. Numbered datagrams (bench.sender) are looked for in
the text of the frames; printed is JSON: for each viewer [number, time seen in ns] pairs, frames, bytes
and counted gaps. Runs until SIGTERM; says "watching" when every viewer has its first frame.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import time
from collections.abc import Sequence
from typing import Any

from websockets.asyncio.client import connect

from bench.sender import FIRST

_NUMBERED = re.compile(rb"inth;(\d+):")


class Viewer:
    def __init__(self) -> None:
        self.seen: dict[int, int] = {}
        self.frames = self.bytes = self.gaps = 0

    async def watch(self, url: str, cookie: str, ready: asyncio.Event) -> None:
        async with connect(
            url,
            additional_headers={"Cookie": cookie},
            origin=url.replace("ws://", "http://").partition("/ws/")[0],  # type: ignore[arg-type]
            compression=None,
            max_size=None,
            ping_interval=None,
        ) as socket:
            while True:
                frame = await socket.recv(decode=False)
                now = time.time_ns()
                assert isinstance(frame, bytes)
                self.frames += 1
                self.bytes += len(frame)
                if frame[:40].find(b'"gap"') >= 0:
                    self.gaps += 1
                for found in _NUMBERED.findall(frame):
                    if (number := int(found) - FIRST) >= 0:
                        # The first frame that shows it counts.
                        self.seen.setdefault(number, now)
                ready.set()


async def watch(url: str, session: str, viewers: int) -> dict[str, Any]:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    made = [Viewer() for _ in range(viewers)]
    tasks, ready = [], []
    for viewer in made:
        ready.append(asyncio.Event())
        tasks.append(asyncio.create_task(viewer.watch(url, f"sessionid={session}", ready[-1])))
    everyone = asyncio.gather(*(event.wait() for event in ready))
    done, _ = await asyncio.wait([everyone, *tasks], timeout=30, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()  # a viewer that ended was refused
    assert everyone.done(), "not every viewer got a first frame within 30 s"
    print("watching", flush=True)
    await stop.wait()
    ended = [task.exception() for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    return {
        "seen": [sorted(viewer.seen.items()) for viewer in made],
        "frames": sum(viewer.frames for viewer in made),
        "bytes": sum(viewer.bytes for viewer in made),
        "gaps": sum(viewer.gaps for viewer in made),
        "ended": [repr(error) for error in ended],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.viewers")
    parser.add_argument("--url", required=True)
    parser.add_argument("--session", required=True)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--output", required=True)
    given = parser.parse_args(arguments)
    found = asyncio.run(watch(given.url, given.session, given.viewers))
    with open(given.output, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main()
