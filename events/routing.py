"""WebSocket addresses."""

from typing import Any

from django.urls import path

from events.consumers import LiveConsumer

# Channels routes with Django's path(), whose types know only views.
websocket_urlpatterns: list[Any] = [
    path("ws/live/", LiveConsumer.as_asgi()),  # type: ignore[arg-type]
]
