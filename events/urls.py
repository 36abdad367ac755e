"""Pages of this app beside its admin. All need a member of staff."""

from django.contrib import admin
from django.urls import path

from events import views_archive, views_backup, views_moves, views_today

urlpatterns = [
    path("today/", admin.site.admin_view(views_today.today_parts), name="today_parts"),
    path("events/move/", admin.site.admin_view(views_moves.move_page), name="move_events"),
    path("backups/make/", admin.site.admin_view(views_backup.make), name="make_backup"),
    path("backups/upload/", admin.site.admin_view(views_backup.upload), name="upload_backup"),
    path("backups/<int:pk>/download/", admin.site.admin_view(views_backup.download), name="download_backup"),
    path("backups/<int:pk>/verify/", admin.site.admin_view(views_backup.verify), name="verify_backup"),
    path("backups/<int:pk>/restore/", admin.site.admin_view(views_backup.restore), name="restore_backup"),
    path("backups/action/<uuid:key>/", admin.site.admin_view(views_backup.action), name="backup_action"),
    path(
        "backups/action/<uuid:key>/state/",
        admin.site.admin_view(views_backup.action_state),
        name="backup_action_state",
    ),
    path(
        "events/archive/<int:pk>/",
        admin.site.admin_view(views_archive.archive_page),
        name="archive_tournament",
    ),
    path(
        "events/archive/<int:pk>/progress/",
        admin.site.admin_view(views_archive.archive_progress),
        name="archive_progress",
    ),
]
