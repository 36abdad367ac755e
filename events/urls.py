"""Pages of this app beside its admin. All need a member of staff."""

from django.contrib import admin
from django.urls import path

from events import views_moves, views_today

urlpatterns = [
    path("today/", admin.site.admin_view(views_today.today_parts), name="today_parts"),
    path("events/move/", admin.site.admin_view(views_moves.move_page), name="move_events"),
]
