"""ASGI entry point: pages over HTTP, the live feed over WebSocket."""

import gc
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "restrike.settings")
http = get_asgi_application()

# Consumers import models, which need the app registry that the line above has filled.
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from events.routing import websocket_urlpatterns  # noqa: E402
from restrike.sampling import WebSampler, sampled  # noqa: E402

application = sampled(
    ProtocolTypeRouter(
        {
            "http": http,
            "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
        }
    ),
    WebSampler(),
)

# Every page is loaded now, else the first who asks would wait for it; and all that is loaded is taken out of
# every later garbage collection. A full one over Django's modules stops the process for 80 ms (measured), in
# which no page is answered and no frame of the live feed goes out.
_ = get_resolver().url_patterns
gc.collect()
gc.freeze()
