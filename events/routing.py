"""WebSocket addresses."""

from typing import Any

from django.urls import path

from events.backup.following import ActionConsumer
from events.consumers import LiveConsumer, ReplayConsumer, ScreenConsumer

# Channels routes with Django's path(), whose types know only views.
websocket_urlpatterns: list[Any] = [
    path("ws/live/", LiveConsumer.as_asgi()),  # type: ignore[arg-type]
    path("ws/replay/<int:pk>/", ReplayConsumer.as_asgi()),  # type: ignore[arg-type]
    path("ws/screen/", ScreenConsumer.as_asgi()),  # type: ignore[arg-type]
    path("ws/backups/<uuid:key>/", ActionConsumer.as_asgi()),  # type: ignore[arg-type]
]
