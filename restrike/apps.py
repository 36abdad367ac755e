from django.apps import AppConfig


class RestrikeConfig(AppConfig):
    name = "restrike"
    verbose_name = "reStrike VTA"

    def ready(self) -> None:
        from restrike import checks  # noqa: F401  registers the system checks
