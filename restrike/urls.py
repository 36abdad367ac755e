from django.contrib import admin
from django.urls import include, path

from events import views as event_views
from restrike import health, views

admin.autodiscover()

urlpatterns = [
    # Before the admin, which answers for every address that is left.
    path("live/", admin.site.admin_view(event_views.live), name="live"),
    path("live/event/<int:pk>/", admin.site.admin_view(event_views.live_event), name="live_event"),
    path("live/problems/", admin.site.admin_view(event_views.live_problems), name="live_problems"),
    path("preflight/", admin.site.admin_view(views.preflight), name="preflight"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics_page, name="metrics"),
    path("api/", include("events.api.urls")),
    path("", include("events.urls")),
    path("", include("events.urls_screens")),
    path("", include("tournaments.urls")),
    path("", admin.site.urls),
]
