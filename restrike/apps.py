from typing import Any

from django.apps import AppConfig
from django.contrib.admin import autodiscover
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class RestrikeConfig(AppConfig):
    name = "restrike"
    verbose_name = "reStrike VTA"

    def ready(self) -> None:
        import restrike.checks  # noqa: F401  registers the system checks


class AdminConfig(SimpleAdminConfig):
    """The admin, whose pages `restrike.urls` finds: processes that only capture take 20 MB less without."""

    default_site = "restrike.site.StaffSite"

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(_check_pages, checks.Tags.admin)


def _check_pages(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    autodiscover()
    return check_admin_app(app_configs, **kwargs)
