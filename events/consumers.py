"""WebSockets: authorise, join, send the snapshot, forward."""

from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError

from events.live import Access, Feed, Screen, Viewer, ViewerRequest, current_feed
from events.live.access import FORBIDDEN, ScreenAccess
from events.live.feed import CARDS_GROUP, STREAM_GROUP
from events.live.screens import SCREENS_GROUP
from events.live.viewer import Receiver
from events.replay.channel import Channel, channel_of, group_of

TRY_AGAIN = 1013


class FeedConsumer(AsyncWebsocketConsumer):
    """What all that follow the feed share. `group` is set before `join`."""

    feed: Feed | None = None
    group: str
    # Handled without `dispatch`: Channels asks a thread about old database connections before each message,
    # which costs more than the frame; these use none.
    quick: tuple[str, ...] = ("websocket.receive",)

    async def __call__(self, *args: Any, **kwargs: Any) -> None:
        try:
            await super().__call__(*args, **kwargs)
        finally:
            # However it ended: a viewer that stayed counted would keep the feed awake for ever.
            if self.feed:
                await self.channel_layer.group_discard(self.group, self.channel_name)
                await self.leave(self.feed)

    async def dispatch(self, message: dict[str, Any]) -> None:
        if message["type"] in self.quick:
            await getattr(self, message["type"].replace(".", "_"))(message)
        else:
            await super().dispatch(message)

    async def join(self) -> int | None:
        try:
            await current_feed().join()
        except (TimeoutError, DatabaseError):
            return TRY_AGAIN
        self.feed = current_feed()
        await self.channel_layer.group_add(self.group, self.channel_name)
        return None

    async def leave(self, feed: Feed) -> None:
        feed.leave()


class LiveConsumer(FeedConsumer):
    """`/ws/live/?after=<event id>&stream=0`: docs/adr/0002-live-feed.md lists what it sends."""

    viewer: Viewer | None = None
    quick = ("live.frame", "websocket.receive")

    async def connect(self) -> None:
        request = ViewerRequest.parse(self.scope["query_string"])
        self.group = STREAM_GROUP if request.stream else CARDS_GROUP
        self.access = Access(self.scope)
        if code := await self.access.refusal() or await self.join():
            await self.close(code)
            return
        # The group was joined before the snapshot: what comes between the two waits in the channel.
        texts, ordinal = await current_feed().greeting(request)
        self.viewer = Viewer(ordinal, request.stream, current_feed().all_cards)
        await self.accept()
        for text in self.viewer.greeting(texts):
            await self.send(text_data=text)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.viewer:
            self.viewer.acknowledge(text_data)

    async def live_frame(self, message: dict[str, Any]) -> None:
        if code := await self.access.refusal_by_now():
            self.viewer = None
            await self.close(code)
        for text in self.viewer.take(message) if self.viewer else ():
            await self.send(text_data=text)


class ScreenConsumer(FeedConsumer):
    """`/ws/screen/?key=<of a display>`, or with a staff session `?court=<key of a court>`.

    docs/adr/0005-screens.md lists what it sends.
    """

    group = SCREENS_GROUP
    screen: Screen | None = None
    channel: Channel | None = None
    quick = ("screen.changed", "websocket.receive")

    async def connect(self) -> None:
        self.access = ScreenAccess(self.scope)
        if code := await self.access.refusal() or await self.join():
            await self.close(code)
            return
        screens = current_feed().screens
        stage = screens.stage
        if self.access.replay:
            channel = channel_of(self.access.replay)
            if await channel.join():
                self.channel, stage = channel, channel.stage
            elif channel.reading:
                await self.close(TRY_AGAIN)
                return
        self.screen = Screen(stage, self.access.court, self.access.display)
        if not screens.enter(self.screen):
            self.screen = None
            await self.close(TRY_AGAIN)
            return
        await self.accept()
        await self.screen_changed({})

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.screen:
            self.screen.acknowledge(text_data)

    async def screen_changed(self, message: dict[str, Any]) -> None:
        if not (screen := self.screen):
            return
        for text in screen.take():
            await self.send(text_data=text)
        if screen.closed or await self.access.refusal_by_now():
            self.leave_screen()
            await self.close(FORBIDDEN)

    def leave_screen(self) -> None:
        if self.screen:
            current_feed().screens.leave(self.screen)
            self.screen = None

    async def leave(self, feed: Feed) -> None:
        self.leave_screen()
        if self.channel:
            await self.channel.leave()
        await super().leave(feed)


class ReplayConsumer(AsyncWebsocketConsumer):
    """`/ws/replay/<key>/`: the messages of the live page, of a recording that is played again."""

    channel: Channel | None = None
    behind = False

    async def __call__(self, *args: Any, **kwargs: Any) -> None:
        try:
            await super().__call__(*args, **kwargs)
        finally:
            if self.channel:
                await self.channel_layer.group_discard(group_of(self.channel.pk), self.channel_name)
                await self.channel.leave()

    async def connect(self) -> None:
        self.access = Access(self.scope, "events.view_replay")
        if code := await self.access.refusal():
            await self.close(code)
            return
        channel = channel_of(self.scope["url_route"]["kwargs"]["pk"])
        if not await channel.join():
            await self.close(TRY_AGAIN if channel.reading else FORBIDDEN)
            return
        self.channel, self.receiver = channel, Receiver()
        await self.channel_layer.group_add(group_of(channel.pk), self.channel_name)
        await self.accept()
        await self.tell(channel.snapshot())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.channel:
            self.receiver.acknowledge(text_data)

    async def replay_frame(self, message: dict[str, Any]) -> None:
        if code := await self.access.refusal_by_now():
            await self.close(code)
        elif not self.receiver.is_behind:
            # What was left out meanwhile is in the snapshot.
            await self.tell(self.channel.snapshot() if self.behind and self.channel else message["text"])
        self.behind = self.receiver.is_behind

    async def tell(self, text: str) -> None:
        self.receiver.sent(1)
        await self.send(text_data=text)
