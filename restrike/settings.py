"""Settings, all from the environment or a `.env` file; docs/configuration.md explains each."""

import os
import secrets
import sys
import zoneinfo
from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONCE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy

from restrike import logs, sqlite
from restrike.environment import Env

BASE_DIR = Path(__file__).resolve().parent.parent

# So that `ModelAdmin[Match]` and its like can be written where they are needed.
django_stubs_ext.monkeypatch()

env = Env()
Env.read_env(BASE_DIR / ".env")

# Where everything that is written goes: database, journal, logs, backups, the secret key.
RESTRIKE_VAR = Path(env.str("RESTRIKE_VAR", default=str(BASE_DIR / "var"))).expanduser().absolute()
# Set by `manage.py demo` for itself, and shown on every page.
DEMO = env.bool("RESTRIKE_DEMO", default=False)


def _secret_key() -> str:
    """The key from the environment, else from a file that only its owner reads, made on first use."""
    key: str = env.str("SECRET_KEY", default="")
    if key:
        return key
    path = RESTRIKE_VAR / "secret_key"
    try:
        RESTRIKE_VAR.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    except OSError as error:
        raise ImproperlyConfigured(
            f"Cannot write to {RESTRIKE_VAR} ({error.strerror}). "
            "Set RESTRIKE_VAR to a directory that can be written."
        ) from None
    return path.read_text()


SECRET_KEY = _secret_key()
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])

INSTALLED_APPS = [
    "restrike.apps.RestrikeConfig",
    "ingest",
    "events",
    "tournaments",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "unfold.contrib.simple_history",
    "restrike.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_extensions",
    "import_export",
    "simple_history",
    "axes",
    "csp",
    # Its files, so that the page about the API needs no other server.
    "ninja",
]
if "runserver" in sys.argv[1:2]:
    # It gives `runserver` its WebSockets, and takes 20 MB of every process that it is loaded in.
    INSTALLED_APPS.insert(0, "daphne")

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
    # Last, since it is for threads only: what stands before such a one runs in the thread of the page too,
    # what stands after it would be handed over and back each time.
    "tournaments.middleware.TournamentTimeZone",
]

ROOT_URLCONF = "restrike.urls"
ASGI_APPLICATION = "restrike.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- Databases and caches ---------------------------------------------------------------------


def _database() -> dict[str, Any]:
    config = env.database(default_file=RESTRIKE_VAR / "restrike.sqlite3")
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"].endswith("sqlite3"):
        Path(config["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        sqlite.use_newest()
        options["init_command"] = sqlite.init_command()
        options["transaction_mode"] = "IMMEDIATE"
        options["timeout"] = 20
    else:
        options.setdefault("pool", {"min_size": 1, "max_size": 8, "timeout": 10})
    return config


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}
# Viewers of one process hear from that process' own feed, which follows the database: no broker.
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

# --- Ingest -------------------------------------------------------------------------------------

INGEST_LISTEN = env.list("INGEST_LISTEN", default=["0.0.0.0:6000"])
INGEST_NODE = env.str("INGEST_NODE", default="main")
INGEST_BATCH_SIZE = env.int("INGEST_BATCH_SIZE", default=100)
INGEST_FLUSH_MS = env.int("INGEST_FLUSH_MS", default=20)
INGEST_AUTO_COURTS = env.bool("INGEST_AUTO_COURTS", default=True)
SESSION_IDLE_S = env.int("SESSION_IDLE_S", default=600)
JOURNAL_KEEP_DAYS = env.int("JOURNAL_KEEP_DAYS", default=30)
JOURNAL_SEGMENT_MB = env.int("JOURNAL_SEGMENT_MB", default=64)
# Days after which events may go into the archive by themselves.
ARCHIVE_AFTER_DAYS = env.int("ARCHIVE_AFTER_DAYS", default=30)
# How `events`, which may not import the parser, reaches it.
EVENT_READER = "ingest.reader"
# And how it reaches the journals' own figures.
LEDGER_READER = "ingest.ledger"

# --- Backups ------------------------------------------------------------------------------------

# Empty: `backups` in RESTRIKE_VAR.
BACKUP_DIR = env.str("BACKUP_DIR", default="")
# A stick or a network drive that gets a copy of each; empty: none.
BACKUP_COPY_DIR = env.str("BACKUP_COPY_DIR", default="")
BACKUP_EVERY_MINUTES = env.int("BACKUP_EVERY_MINUTES", default=30)

# --- Alerts -------------------------------------------------------------------------------------

# Who is told beside the pages; empty: nobody.
ALERT_WEBHOOK_URL = env.str("ALERT_WEBHOOK_URL", default="")
ALERT_WEBHOOK_SECRET = env.str("ALERT_WEBHOOK_SECRET", default="")
ALERT_EMAIL_TO = env.list("ALERT_EMAIL_TO", default=[])
# EMAIL_HOST, EMAIL_PORT and the rest of Django's names.
vars().update(env.email_server())
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="restrike@localhost")

# --- Who may come in ----------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "locked.html"

HTTPS = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 3600 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Who sends it may read /metrics without signing in; empty: nobody.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# A hall's laptop speaks plain HTTP on its own network; these warnings apply when HTTPS=True.
SILENCED_SYSTEM_CHECKS = [] if HTTPS else ["security.W004", "security.W008", "security.W012", "security.W016"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        # The admin theme's Alpine.js compiles its attributes, which needs unsafe-eval.
        "script-src": [SELF, NONCE, "'unsafe-eval'"],
        "style-src": [SELF, "'unsafe-inline'"],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": ["'none'"],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": ["'none'"],
    }
}

# --- Language, time, files ------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = env.choice(
    "TIME_ZONE", zoneinfo.available_timezones(), "UTC", "a time zone as Europe/Berlin, Asia/Seoul or UTC"
)
# All words are English: looking each up in a catalogue takes 2 ms of every page.
USE_I18N = False
FORMAT_MODULE_PATH = ["restrike.formats"]
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Served from the apps themselves: `make run` needs no collectstatic.
WHITENOISE_USE_FINDERS = True

LOG_LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"]
LOG_LEVEL = env.choice("LOG_LEVEL", LOG_LEVELS, "INFO", f"one of {', '.join(LOG_LEVELS)}")
LOG_HANDLERS = logs.handlers(RESTRIKE_VAR / "logs")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname:7} {name}: {message}", "style": "{"}},
    "handlers": LOG_HANDLERS,
    "root": {"handlers": list(LOG_HANDLERS), "level": LOG_LEVEL},
    "loggers": {
        "django.channels.server": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        # Repeats each failed attempt; what the database's user needs to know is the error at the end.
        "psycopg.pool": {"level": "ERROR"},
    },
}

UNFOLD = {
    "SITE_TITLE": "reStrike VTA",
    "SITE_HEADER": "reStrike VTA",
    "SITE_SUBHEADER": "Taekwondo match recorder",
    "SITE_URL": None,
    "SITE_SYMBOL": "sports_martial_arts",
    "ENVIRONMENT": "restrike.navigation.environment",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "events.today.dashboard",
    "STYLES": [lambda request: static("staff/staff.css")],
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("staff/favicon.svg")},
    ],
}
