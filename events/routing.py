"""WebSocket addresses."""

from django.urls import path

from events.consumers import LiveConsumer

websocket_urlpatterns = [
    # Channels routes with Django's path(), whose types know only views.
    path("ws/live/", LiveConsumer.as_asgi()),  # type: ignore[arg-type]
]
