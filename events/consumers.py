"""WebSockets: authorise, join, send the snapshot, forward."""

from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError

from events.live import Access, Feed, Viewer, ViewerRequest, current_feed
from events.live.feed import CARDS_GROUP, STREAM_GROUP

TRY_AGAIN = 1013


class LiveConsumer(AsyncWebsocketConsumer):
    """`/ws/live/?after=<event id>&stream=0`: docs/adr/0002-live-feed.md lists what it sends."""

    viewer: Viewer | None = None
    feed: Feed | None = None

    async def __call__(self, *args: Any, **kwargs: Any) -> None:
        try:
            await super().__call__(*args, **kwargs)
        finally:
            # However it ended: a viewer that stayed counted would keep the feed awake for ever.
            if self.feed:
                await self.channel_layer.group_discard(self.group, self.channel_name)
                self.feed.leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels asks a thread about old database connections before each message, which costs more
        # than the frame; these two use none.
        if message["type"] in ("live.frame", "websocket.receive"):
            await getattr(self, message["type"].replace(".", "_"))(message)
        else:
            await super().dispatch(message)

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

    async def join(self) -> int | None:
        try:
            await current_feed().join()
        except (TimeoutError, DatabaseError):
            return TRY_AGAIN
        self.feed = current_feed()
        await self.channel_layer.group_add(self.group, self.channel_name)
        return None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.viewer:
            self.viewer.acknowledge(text_data)

    async def live_frame(self, message: dict[str, Any]) -> None:
        if code := await self.access.refusal_by_now():
            self.viewer = None
            await self.close(code)
        for text in self.viewer.take(message) if self.viewer else ():
            await self.send(text_data=text)
