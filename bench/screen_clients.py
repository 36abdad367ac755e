"""`python -m bench.screen_clients --url ws://… --keys FILE --output FILE`: overlays as OBS has them open.

One client for each line of FILE, a key of a display. They acknowledge as the page does. Writes for each
client the scores it was shown and when: `[[blue score, ns since 1970], …]`. Runs until SIGTERM; says
"watching" when every client has its first message.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

# As static/live/feed.js does.
ACK_EVERY = 10


async def overlay(url: str, key: str, ready: asyncio.Event, shown: list[tuple[int, int]]) -> None:
    origin: Any = url.replace("ws://", "http://")
    async with connect(f"{url}/ws/screen/?key={key}", origin=origin, compression=None) as socket:
        received = 0
        async for text in socket:
            now = time.time_ns()
            message = json.loads(text)
            received += 1
            for card in message.get("cards", {}).values():
                shown.append((card["blue"]["score"], now))
            if received % ACK_EVERY == 0:
                await socket.send(json.dumps({"ack": received}))
            ready.set()


async def watch(url: str, keys: list[str]) -> dict[str, Any]:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    shown: list[list[tuple[int, int]]] = [[] for _ in keys]
    ready = [asyncio.Event() for _ in keys]
    tasks = [asyncio.create_task(overlay(url, *one)) for one in zip(keys, ready, shown, strict=True)]
    await asyncio.wait_for(asyncio.gather(*(event.wait() for event in ready)), 60)
    print("watching", flush=True)
    await stop.wait()
    ended = [repr(task.exception()) for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    return {"shown": shown, "ended": ended}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.screen_clients")
    parser.add_argument("--url", required=True)
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    found = asyncio.run(watch(given.url, given.keys.read_text().split()))
    given.output.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
