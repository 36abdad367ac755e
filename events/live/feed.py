"""The feed of this process: one task follows the database and tells the group of viewers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.db import Error as DatabaseError

from events.live import rows, wake
from events.live.pace import Pace
from events.live.rings import Entry, Rings
from events.live.screens import Screens
from events.live.status import Rates, read_status
from events.live.tail import MOST_BOARDS, Step, Tail
from events.live.viewer import FrameMessage, ViewerRequest, gap

logger = logging.getLogger(__name__)
T = TypeVar("T")

STREAM_GROUP = "live.stream"
CARDS_GROUP = "live.cards"
# A page that is reloaded, or a program that asks for the state now and then, comes back within this time and
# need not wait for a new start. Meanwhile it costs 2 % of a core.
LINGER_S = 600.0
READY_S = 10.0
# Rows in one WebSocket message; a browser parses this many in a few milliseconds.
FRAME_ROWS = 500
NO_DATABASE = "The database does not answer."

_feeds: WeakKeyDictionary[asyncio.AbstractEventLoop, Feed] = WeakKeyDictionary()


def current_feed() -> Feed:
    """The feed of the running event loop, which is one per web process."""
    loop = asyncio.get_running_loop()
    if loop not in _feeds:
        _feeds[loop] = Feed()
    return _feeds[loop]


def viewers() -> int:
    """How many pages are open on the live feed of this process."""
    return sum(feed.viewers for feed in list(_feeds.values()))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Feed:
    """Follows the event table while somebody watches.

    `join`, `greeting` and `leave` are for consumers. Everything the feed holds is bounded: rings of
    events, a card for each court, one step of rows on its way out.
    """

    def __init__(self) -> None:
        self.viewers = 0
        self.ordinal = 0  # of the last event that was sent to the group
        self.last_id = 0  # its key
        self.problem = ""
        self.rings = Rings()
        self.cards: dict[int, dict[str, Any]] = {}
        self.screens = Screens()
        self._rates = Rates()
        self._pace = Pace()
        self._status: dict[str, Any] = {}
        self._named: set[int | None] = {None}  # courts that viewers have been told of, or never will be
        self._sending = asyncio.Lock()
        # There are cards; and all else that pages show, once one is `_awaited`.
        self._ready = asyncio.Event()
        self._filled = asyncio.Event()
        self._awaited = False
        self._waker = wake.Waker()
        self._task: asyncio.Task[None] | None = None
        self._sleep: asyncio.TimerHandle | None = None

    # --- For consumers --------------------------------------------------------------------------

    async def join(self, *, cards_only: bool = False) -> None:
        """Counts a viewer in, starts the feed with the first. TimeoutError: the database does not answer.

        `cards_only`: does not wait for status and rings, which are read when the first comes that does.
        """
        self.viewers += 1
        if self._sleep:
            self._sleep.cancel()
            self._sleep = None
        if self._task is None or self._task.done():
            self._ready.clear()
            self._filled.clear()
            self._awaited = False
            self._tail = Tail()
            self._thread = ThreadPoolExecutor(1, "live-feed")
            self._task = asyncio.create_task(self._run(self._tail, self._thread), name="live feed")
        if not cards_only and not self._awaited:
            self._awaited = True
            self._waker.changed.set()
        try:
            async with asyncio.timeout(READY_S):
                await (self._ready if cards_only else self._filled).wait()
        except (TimeoutError, asyncio.CancelledError):
            self.leave()
            raise

    def leave(self) -> None:
        """Counts a viewer out; the feed stops a while after the last."""
        self.viewers -= 1
        if self.viewers == 0:
            self._sleep = asyncio.get_running_loop().call_later(LINGER_S, self._retire)

    async def stop(self) -> None:
        """Ends the task at once and waits until its thread and connections are gone."""
        if self._sleep:
            self._sleep.cancel()
            self._sleep = None
        if task := self._retire():
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.screens.stop()

    def _retire(self) -> asyncio.Task[None] | None:
        # Let go of at once, so that one who joins while it ends gets a new one.
        task, self._task = self._task, None
        if task:
            task.cancel()
        return task

    async def greeting(self, request: ViewerRequest) -> tuple[list[str], int]:
        """The first texts for a new viewer, and the ordinal from which it follows the group."""
        ordinal, last_id = self.ordinal, self.last_id
        after, texts, skipped = request.after, [], 0
        # A key beyond the last is of another database, from before a restore: start anew.
        if after is None or after > last_id or not request.stream:
            after = None
            texts = [entry.text for entry in self.rings.newest(ordinal)] if request.stream else []
        elif (entries := self.rings.since(after, ordinal)) is not None:
            texts = [entry.text for entry in entries]
        else:
            texts, skipped = await self._missed(after, last_id)
        about = rows.to_json(
            {
                "type": "snapshot",
                "now": now_ms(),
                "last": last_id,
                "after": after,
                "cards": self.cards,
                "status": self._status,
            }
        )
        if after is None:
            return [f'{about[:-1]},"events":{rows.join(texts)}}}'], ordinal
        missed = [
            self._frame({}, texts[n : n + FRAME_ROWS], last_id) for n in range(0, len(texts), FRAME_ROWS)
        ]
        return [f'{about[:-1]},"events":[]}}', *([gap(skipped, "away")] if skipped else []), *missed], ordinal

    async def _missed(self, after: int, upto: int) -> tuple[list[str], int]:
        try:
            return await self._in_thread(lambda: self._tail.since(after, upto))
        except DatabaseError:
            return [], upto - after

    def all_cards(self) -> str:
        """An events message without events, with the card of every court."""
        return self._frame(self.cards, [], self.last_id)

    # --- The task ---------------------------------------------------------------------------------

    async def _run(self, tail: Tail, thread: ThreadPoolExecutor) -> None:
        status = asyncio.create_task(self._tell_status(), name="live status")
        try:
            async with wake.waker() as self._waker:
                await self._patiently(self._load)
                self._ready.set()
                while True:
                    if self._awaited and not self._filled.is_set():
                        await self._patiently(self._fill)
                        self._filled.set()
                    await self._waker.wait()
                    while await self._patiently(self._advance):
                        pass
        finally:
            status.cancel()
            thread.submit(tail.close)
            await asyncio.to_thread(thread.shutdown)

    async def _patiently(self, work: Callable[[], Any]) -> Any:
        """Repeats `work` until the database answers; viewers are told meanwhile."""
        while True:
            try:
                result = await work()
            except DatabaseError as error:
                if not self.problem:
                    logger.warning("The live feed cannot read the database: %s", error)
                self.problem = NO_DATABASE
                await self._in_thread(self._tail.close)
            except Exception:
                # A mistake in here must not leave every page still: the step is over, the next may do.
                logger.exception("The live feed failed at a step.")
            else:
                self.problem = ""
                return result
            await asyncio.sleep(1)

    def _in_thread(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _load(self) -> None:
        """The cards: all that a program waits for."""
        step = await self._in_thread(self._tail.load)
        self.cards = {}
        self.screens.stage.clear()
        self._take(step)

    async def _fill(self) -> None:
        """Status and rings, between two steps."""
        step = await self._in_thread(self._tail.recent)
        status = await self._in_thread(read_status)
        first_of_court: dict[int | None, int] = {}
        for row, _ in step.entries:
            first_of_court.setdefault(row.court_id, row.id)
        # Ordinals go on from before a sleep, so that no viewer ever sees one twice.
        self.rings.clear(reach=max(first_of_court.values(), default=1) - 1)
        self._take(step)
        self._rates = Rates()
        self._set_status(status)

    def _take(self, step: Step) -> list[str]:
        """Puts what was followed into rings and cards; returns the texts of the rows."""
        self.ordinal += step.skipped.total()
        for row, text in step.entries:
            self.ordinal += 1
            self.rings.add(Entry(self.ordinal, row.id, row.court_id, text))
        if step.entries:
            self.last_id = step.entries[-1][0].id
        if step.skipped.total():
            self.rings.reach = self.last_id
        for court, card in step.cards.items():
            self.cards.pop(court, None)
            self.cards[court] = card
        while len(self.cards) > MOST_BOARDS:
            del self.cards[next(iter(self.cards))]
        self.screens.stage.show(step.cards)
        return [text for _, text in step.entries]

    async def _advance(self) -> bool:
        """One step and its frames. True: there is more to follow at once."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._pace.delay(loop.time(), self.viewers))
        step: Step = await self._in_thread(self._tail.step)
        if not (step.entries or step.cards):
            return step.more
        # Of this thread alone: what other programs take must not slow the page down twice.
        started = time.thread_time()
        async with self._sending:
            await self._name_courts({row.court_id for row, _ in step.entries})
            await self._publish(step)
        # Consumers forward on the next turns of the loop: how long that takes says how loaded it is.
        for _ in range(4):
            await asyncio.sleep(0)
        self._pace.sent(loop.time(), time.thread_time() - started)
        return step.more

    async def _publish(self, step: Step) -> None:
        texts = self._take(step)
        self._rates.count(step.skipped + Counter(row.court_id for row, _ in step.entries))
        first = self.ordinal - len(texts) + 1
        for n in range(0, max(len(texts), 1), FRAME_ROWS):
            part = texts[n : n + FRAME_ROWS]
            last_id = step.entries[n + len(part) - 1][0].id if part else self.last_id
            text = self._frame(step.cards if n == 0 else {}, part, last_id)
            await self._send(STREAM_GROUP, first + n, first + n + len(part) - 1, text)
        text = self._frame(step.cards, [], self.last_id)
        await self._send(CARDS_GROUP, first, self.ordinal, text)
        await self.screens.wake()

    async def _name_courts(self, courts: set[int | None]) -> None:
        """Tells of courts that were made a moment ago before their first event comes."""
        if courts <= self._named:
            return
        self._set_status(await self._in_thread(read_status))
        self._named |= courts
        await self._send_status()

    async def _tell_status(self) -> None:
        """Once a second, also while the database does not answer."""
        await self._filled.wait()
        while True:
            await asyncio.sleep(1)
            self._rates.tick()
            try:
                status = await self._in_thread(read_status)
            except DatabaseError:
                self.problem, status = NO_DATABASE, {}
            self._set_status(status)
            async with self._sending:
                await self._send_status()

    async def _send_status(self) -> None:
        text = rows.to_json({"type": "status", **self._status})
        for group in (STREAM_GROUP, CARDS_GROUP):
            # An empty range of ordinals: whoever lacks some before it learns so.
            await self._send(group, self.ordinal + 1, self.ordinal, text)
        await self.screens.wake()

    def _set_status(self, read: dict[str, Any]) -> None:
        """Renews the status; what could not be read stays as it was."""
        status = self._status = {**self._status, **read}
        for court, about in status.get("courts", {}).items():
            about["rate"] = self._rates.of(court)
        self._named.update(status.get("courts", {}))
        self.screens.stage.name(status.get("courts", {}))
        status.update(now=now_ms(), viewers=self.viewers, problem=self.problem, rate=self._rates.total())

    # --- Messages -----------------------------------------------------------------------------------

    async def _send(self, group: str, first: int, last: int, text: str) -> None:
        layer = get_channel_layer()
        assert layer is not None, "CHANNEL_LAYERS has no default"
        message = FrameMessage(type="live.frame", first=first, last=last, text=text)
        await layer.group_send(group, {**message})

    @staticmethod
    def _frame(cards: dict[int, dict[str, Any]], texts: list[str], last_id: int) -> str:
        cards_text = rows.to_json(cards)
        return (
            f'{{"type":"events","now":{now_ms()},"last":{last_id},'
            f'"cards":{cards_text},"events":{rows.join(texts)}}}'
        )
