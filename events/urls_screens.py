"""Screens of the hall and the stream, and what staff do with them."""

from django.contrib import admin
from django.urls import path

from events import views_displays, views_replay, views_screens

urlpatterns = [
    # Opened by a key, without the frame, the session and the sign-in of the admin.
    path("overlay/<int:court>/", views_screens.overlay, name="overlay"),
    path("wall/", views_screens.wall, name="wall"),
    path("displays/make/", admin.site.admin_view(views_displays.make), name="make_display"),
    path("displays/<int:pk>/reload/", admin.site.admin_view(views_displays.reload), name="reload_display"),
    path("displays/<int:pk>/revoke/", admin.site.admin_view(views_displays.revoke), name="revoke_display"),
    path("displays/<int:pk>/renew/", admin.site.admin_view(views_displays.renew), name="renew_display"),
    path("replays/", admin.site.admin_view(views_replay.replays), name="replays"),
    path("replays/start/", admin.site.admin_view(views_replay.start), name="start_replay"),
    path("replays/<int:pk>/", admin.site.admin_view(views_replay.replay), name="replay"),
    path("replays/<int:pk>/control/", admin.site.admin_view(views_replay.control), name="control_replay"),
    path("replays/<int:pk>/stop/", admin.site.admin_view(views_replay.stop), name="stop_replay"),
    path("replays/<int:pk>/state/", admin.site.admin_view(views_replay.state), name="replay_state"),
]
