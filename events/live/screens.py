"""Screens of the hall and the stream: they are sent the cards of their courts, and nothing else.

stage     the newest card of each court, cut to what may be seen in public, as text and numbered by
          change; a screen asks it for what changed since it asked last
screen    one open page: which courts, and what it was sent

Nothing is queued for a screen: each message holds whole cards, so one that is slow, or lost some, is
brought up to date by the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from channels.layers import get_channel_layer
from django.db import Error as DatabaseError
from django.db import connections
from django.utils import timezone

from events.live import rows
from events.live.viewer import Receiver
from events.models_display import Display

logger = logging.getLogger(__name__)

SCREENS_GROUP = "live.screens"
# Open screens of one web process, and of one address: a key that got about must not shut out the hall.
MOST_SCREENS = 250
MOST_OF_ONE = 20
LOOK_EVERY_S = 1.0
# Without news a screen hears this often that the server lives and when its courts were heard.
BEAT_S = 0.9

_CARD = (
    *("serial", "loaded_at", "number", "phase", "category", "rounds_planned", "round", "golden", "rounds"),
    *("clock_ms", "clock_running", "clock_at", "rest", "injury", "time_out", "replay", "winner", "decision"),
)
_SIDE = ("name", "short", "ioc", "flag", "score", "rounds_won", "gam_jeoms")


def public_card(card: dict[str, Any]) -> dict[str, Any]:
    """What the audience sees of a card of the live page."""
    shown = {name: card[name] for name in _CARD}
    for side in ("blue", "red"):
        shown[side] = {name: card[side][name] for name in _SIDE}
    return shown


class Stage:
    """The cards as screens get them. `version` rises with each change of any."""

    def __init__(self, *, replayed: bool = False) -> None:
        self.replayed = replayed
        self.version = 0
        self.heard: dict[int, int | None] = {}  # court -> epoch ms of its newest message
        self.courts: dict[int, dict[str, Any]] = {}  # the active ones
        self._cards: dict[int, tuple[int, str]] = {}  # court -> version of its change, JSON text

    def show(self, cards: dict[int, dict[str, Any]]) -> None:
        for court, card in cards.items():
            self.heard[court] = card["heard"]
            text = rows.to_json(public_card(card))
            if self._cards.get(court, (0, ""))[1] != text:
                self.version += 1
                self._cards[court] = (self.version, text)

    def hold(self, now: int) -> None:
        """Nothing changes, and is not old either."""
        self.heard = dict.fromkeys(self.heard, now)

    def place(self, court: int | None) -> int | None:
        """The court shown for another: a replay of one court is shown on whichever was asked for."""
        if self.replayed and court is not None and court not in self.courts:
            return next(iter(self.courts), court)
        return court

    def clear(self) -> None:
        self.heard.clear()
        self._cards.clear()

    def name(self, courts: dict[int, dict[str, Any]]) -> None:
        """Takes the active courts of the live feed's status."""
        self.courts = {pk: {"number": one["number"], "name": one["name"]} for pk, one in courts.items()}

    def since(self, version: int, court: int | None, known: Container[int] = ()) -> dict[int, str]:
        """Court -> text of the cards that changed after `version`; of one court, or of all active ones.

        Of the latter also those of courts that were not `known` as active then.
        """
        wanted = (
            {court: version}
            if court is not None
            else {pk: version if pk in known else -1 for pk in self.courts}
        )
        return {
            pk: self._cards[pk][1]
            for pk, seen in wanted.items()
            if pk in self._cards and self._cards[pk][0] > seen
        }


class Screen(Receiver):
    """One open screen. `court` is the key of its court, None for the wall, 0 for none."""

    def __init__(self, stage: Stage, court: int | None, display: Display | None = None) -> None:
        super().__init__()
        self.display = display
        self.closed = False  # its address was revoked
        self.stage = stage
        self._court = stage.place(court)
        self._version = -1
        self._told_at = 0.0
        self._courts: dict[int, dict[str, Any]] | None = None
        self._orders: list[str] = []  # what the registry says, before any card
        if display:
            # They may have been changed since its page was loaded, or while it was cut off.
            self.order("settings", **display.options())

    def order(self, kind: str, **about: Any) -> None:
        self._orders.append(rows.to_json({"type": kind, **about}))

    def take(self) -> list[str]:
        """The texts to send now; none while the screen is behind, or has been told a moment ago."""
        texts, self._orders = self._orders, []
        if not (self.is_behind or self.closed) and (state := self._state()):
            texts.append(state)
        self._sent += len(texts)
        return texts

    def _state(self) -> str:
        stage = self.stage
        cards = stage.since(self._version, self._court, self._courts or ())
        renamed = self._courts != stage.courts
        now = time.monotonic()
        if not (cards or renamed) and now - self._told_at < BEAT_S:
            return ""
        first = self._version < 0
        wanted = stage.courts if self._court is None else (self._court,)
        about: dict[str, Any] = {
            "type": "snapshot" if first else "cards",
            "now": time.time_ns() // 1_000_000,
            "heard": {pk: stage.heard.get(pk) for pk in wanted},
        }
        if stage.replayed:
            about["replay"] = True
        if renamed:
            about["courts"] = {pk: stage.courts[pk] for pk in wanted if pk in stage.courts}
        self._version, self._told_at, self._courts = stage.version, now, stage.courts
        texts = ",".join(f'"{pk}":{text}' for pk, text in cards.items())
        return f'{rows.to_json(about)[:-1]},"cards":{{{texts}}}}}'


class Screens:
    """The open screens of this process. What the registry says of them is looked up once a second."""

    def __init__(self) -> None:
        self.stage = Stage()
        self._open: set[Screen] = set()
        self._written: set[int] = set()  # displays that are connected as far as the database knows
        self._task: asyncio.Task[None] | None = None

    def enter(self, screen: Screen) -> bool:
        """False: there are too many."""
        of_one = sum(1 for other in self._open if other.display == screen.display)
        if len(self._open) >= MOST_SCREENS or (screen.display and of_one >= MOST_OF_ONE):
            return False
        self._open.add(screen)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep(), name="screens")
        return True

    def leave(self, screen: Screen) -> None:
        self._open.discard(screen)

    def over(self, stage: Stage) -> None:
        """What was played there has ended. The registry leads displays on; others load their page anew."""
        for screen in self._open:
            if screen.stage is stage and screen.display is None:
                screen.order("reload")

    async def wake(self) -> None:
        """Every screen takes what is new to it."""
        layer = get_channel_layer()
        if self._open and layer is not None:
            await layer.group_send(SCREENS_GROUP, {"type": "screen.changed"})

    async def stop(self) -> None:
        """Ends looking at the registry at once and waits until its thread and connection are gone."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _keep(self) -> None:
        # A thread of its own: writing waits for the database's lock, and frames must not wait for that.
        thread = ThreadPoolExecutor(1, "screens")
        try:
            while self._open or self._written:
                try:
                    found = await asyncio.get_running_loop().run_in_executor(thread, self._look)
                except DatabaseError as error:
                    logger.warning("The registry of displays cannot be read: %s", error)
                else:
                    if self._tell(found):
                        await self.wake()
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            # Let go of at once, so that one who enters while it ends gets a new one.
            self._task = None
            # Asked of the thread itself: `connection.close` would be looked up here and close ours.
            thread.submit(connections.close_all)
            await asyncio.to_thread(thread.shutdown)

    def _look(self) -> dict[int, Display | None]:
        """The displays of the open screens as they are, None if revoked; seldom writes who is connected."""
        connected = {screen.display.pk for screen in list(self._open) if screen.display}
        found: dict[int, Display] = {}
        if connected:
            found = Display.objects.open().select_related("court").in_bulk(connected)
            now = timezone.now()
            if due := [pk for pk, display in found.items() if display.is_due(now)]:
                Display.objects.filter(pk__in=due).mark_seen()
        if left := self._written - connected:
            Display.objects.filter(pk__in=left).mark_left()
        self._written = connected
        return {pk: found.get(pk) for pk in connected}

    def _tell(self, found: dict[int, Display | None]) -> bool:
        """Orders for the screens whose display is not what it was; True: there are some."""
        changed = False
        for screen in self._open:
            # One that entered since is not among them.
            if (was := screen.display) is None or screen.closed or was.pk not in found:
                continue
            now = found[was.pk]
            if now is None or now.seed != was.seed:
                screen.closed = True
                screen.order("revoked")
            elif now.reloads != was.reloads:
                screen.order("reload")
            elif (now.view, now.court_id, now.replay_id) != (was.view, was.court_id, was.replay_id):
                screen.order("go", url=now.path)
            elif now.options() != was.options():
                screen.order("settings", **now.options())
            else:
                continue
            changed = True
            screen.display = now or was
        return changed
