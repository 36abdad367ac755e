"""One replay in a web process, while somebody watches it there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.db import Error as DatabaseError
from django.db import connections

from events.live import rows
from events.live.cards import Moment
from events.live.feed import current_feed, now_ms
from events.live.rows import Row
from events.live.screens import Stage
from events.models_replay import Replay
from events.replay.loaded import let_go, loaded
from events.replay.player import SHOWN_BEFORE, Player
from events.replay.recording import RecordingError, StillReading

logger = logging.getLogger(__name__)

FRAME_S = 0.05
# How soon a process notices what somebody pressed in another.
LOOK_EVERY_S = 0.4
READY_S = 20.0

_channels: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, Channel]] = WeakKeyDictionary()


def channel_of(replay: int) -> Channel:
    """The channel of a replay in the running event loop."""
    here = _channels.setdefault(asyncio.get_running_loop(), {})
    return here.setdefault(replay, Channel(replay))


def group_of(replay: int) -> str:
    return f"replay.{replay}"


def _end() -> None:
    """The last that the thread of a channel does."""
    try:
        let_go()
    finally:
        connections.close_all()


class Channel:
    """Plays while it has viewers. `stage` is for screens; pages are told through the group."""

    def __init__(self, replay: int) -> None:
        self.pk = replay
        self.viewers = 0
        self.stage = Stage(replayed=True)
        self.over = False
        self.reading = False  # it could not be joined yet
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._replay: Replay | None = None
        self._player: Player | None = None
        self._pressed = False
        self._recent: list[tuple[Row, Moment]] = []

    # --- For consumers ------------------------------------------------------------------------------

    async def join(self) -> bool:
        """Counts a viewer in; False when there is no such replay, or it cannot be played."""
        self.viewers += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"replay {self.pk}")
        try:
            async with asyncio.timeout(READY_S):
                await self._ready.wait()
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            await self.leave()
            raise
        if self._player is None or self.over:
            await self.leave()
            return False
        return True

    async def leave(self) -> None:
        """Counts a viewer out; with the last it ends."""
        self.viewers -= 1
        if self.viewers == 0:
            _channels.get(asyncio.get_running_loop(), {}).pop(self.pk, None)
            if self._task:
                self._task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._task

    def snapshot(self) -> str:
        """The newest events, the cards and the state, as the live page takes them."""
        texts = [rows.encode(row, *moment) for row, moment in self._recent]
        about = {
            "type": "snapshot",
            "now": now_ms(),
            "last": 0,
            "after": None,
            "cards": self._cards(),
            "status": self._status(),
        }
        return f'{rows.to_json(about)[:-1]},"events":{rows.join(texts)}}}'

    # --- The task --------------------------------------------------------------------------------------

    async def _run(self) -> None:
        thread = ThreadPoolExecutor(1, "replay")
        loop = asyncio.get_running_loop()
        try:
            try:
                await loop.run_in_executor(thread, self._load)
            except StillReading:
                self.reading = True
                return
            except (RecordingError, DatabaseError, Replay.DoesNotExist, OSError) as error:
                logger.warning("Replay %s cannot be played: %s", self.pk, error)
                return
            finally:
                self._ready.set()
            looked = told = 0.0
            while not self.over:
                now = time.monotonic()
                if now - looked >= LOOK_EVERY_S:
                    looked = now
                    await self._look(thread)
                    if now - told >= 1:
                        told = now
                        await self._send(rows.to_json({"type": "status", **self._status()}))
                await self._advance(thread)
                await asyncio.sleep(FRAME_S)
            current_feed().screens.over(self.stage)
            await self._send('{"type":"ended"}')
        except Exception:
            logger.exception("Replay %s failed.", self.pk)
        finally:
            thread.submit(_end)
            await asyncio.to_thread(thread.shutdown)

    def _load(self) -> None:
        replay = Replay.objects.select_related("match__court").get(pk=self.pk)
        player = Player(loaded(replay))
        self._recent = player.go_to(replay.position())[-SHOWN_BEFORE:]
        self.stage.name(player.recording.courts)
        self._replay, self._player = replay, player
        self.stage.show(self._cards())

    async def _look(self, thread: ThreadPoolExecutor) -> None:
        """Takes in what was pressed, here or elsewhere; says once a minute that it is watched."""
        assert self._replay
        with contextlib.suppress(DatabaseError):
            replay = await asyncio.get_running_loop().run_in_executor(thread, self._read)
            self.over = replay is None
            if replay is not None:
                before, self._replay = self._replay, replay
                self._pressed |= (before.speed, before.paused) != (replay.speed, replay.paused)

    def _read(self) -> Replay | None:
        replay = Replay.objects.filter(pk=self.pk).first()
        if replay:
            replay.mark_watched()
        return replay

    async def _advance(self, thread: ThreadPoolExecutor) -> None:
        assert self._replay
        assert self._player
        player, position, before = self._player, self._replay.position(), self._player.position
        pressed, self._pressed = self._pressed, False
        if position == before and not pressed:
            self.stage.hold(now_ms())
            return
        # A long way is folded beside the event loop.
        played = await asyncio.get_running_loop().run_in_executor(thread, player.go_to, position)
        # A snapshot shows a leap as well.
        leapt = position < before or len(played) >= SHOWN_BEFORE
        self._recent = (played if position < before else self._recent + played)[-SHOWN_BEFORE:]
        cards = self._cards()
        self.stage.show(cards)
        if leapt or pressed:
            await self._send(self.snapshot())
        elif played:
            texts = [rows.encode(row, *moment) for row, moment in played]
            about = {"type": "events", "now": now_ms(), "last": 0, "cards": cards}
            await self._send(f'{rows.to_json(about)[:-1]},"events":{rows.join(texts)}}}')

    def _cards(self) -> dict[int, dict[str, Any]]:
        assert self._replay
        assert self._player
        return self._player.cards(now_ms(), self._replay.speed, self._replay.runs())

    def _status(self) -> dict[str, Any]:
        assert self._replay
        assert self._player
        recording = self._player.recording
        courts = {pk: {**court, "day": None, "rate": [0, 0]} for pk, court in recording.courts.items()}
        return {
            "now": now_ms(),
            "nodes": [],
            "courts": courts,
            "day": None,
            "days": recording.days,
            "problems": [],
            "rate": [0, 0],
            "viewers": self.viewers,
            "problem": "",
            "replay": self._replay.told(),
        }

    async def _send(self, text: str) -> None:
        layer = get_channel_layer()
        assert layer is not None, "CHANNEL_LAYERS has no default"
        await layer.group_send(group_of(self.pk), {"type": "replay.frame", "text": text})
        await current_feed().screens.wake()
