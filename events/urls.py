"""Pages of this app beside its admin. All need a member of staff."""

from django.contrib import admin
from django.urls import path

from events import (
    views_alerts,
    views_archive,
    views_athletes,
    views_backup,
    views_delete,
    views_health,
    views_moves,
    views_reports,
    views_statistics,
    views_today,
)

urlpatterns = [
    path("matches/<int:pk>/report/", admin.site.admin_view(views_reports.match_report), name="match_report"),
    path("matches/<int:pk>/report.pdf", admin.site.admin_view(views_reports.match_pdf), name="match_pdf"),
    path("days/<int:pk>/report/", admin.site.admin_view(views_reports.day_report), name="day_report"),
    path("days/<int:pk>/report.pdf", admin.site.admin_view(views_reports.day_pdf), name="day_pdf"),
    path("today/", admin.site.admin_view(views_today.today_parts), name="today_parts"),
    path("health/", admin.site.admin_view(views_health.health_page), name="health"),
    path("health/parts/", admin.site.admin_view(views_health.health_parts), name="health_parts"),
    path("health/history/", admin.site.admin_view(views_health.health_history), name="health_history"),
    path("alerts/", admin.site.admin_view(views_alerts.alerts_page), name="alerts"),
    path("alerts/open/", admin.site.admin_view(views_alerts.alerts_open), name="alerts_open"),
    path(
        "alerts/acknowledge/", admin.site.admin_view(views_alerts.acknowledge_all), name="acknowledge_alerts"
    ),
    path("alerts/test/", admin.site.admin_view(views_alerts.send_test), name="alerts_test"),
    path(
        "alerts/<int:pk>/acknowledge/",
        admin.site.admin_view(views_alerts.acknowledge),
        name="acknowledge_alert",
    ),
    path("alerts/<int:pk>/snooze/", admin.site.admin_view(views_alerts.snooze), name="snooze_alert"),
    path("athletes/compare/", admin.site.admin_view(views_athletes.compare_page), name="compare_athletes"),
    path("events/move/", admin.site.admin_view(views_moves.move_page), name="move_events"),
    path(
        "tournaments/<int:pk>/statistics/",
        admin.site.admin_view(views_statistics.tournament_page),
        name="tournament_statistics",
    ),
    path(
        "days/<int:pk>/statistics/", admin.site.admin_view(views_statistics.day_page), name="day_statistics"
    ),
    path(
        "tournaments/<int:pk>/delete/",
        admin.site.admin_view(views_delete.delete_page),
        name="delete_tournament",
    ),
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
