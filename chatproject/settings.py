"""What the environment says, with defaults that run on a laptop.

Every name read here stands in the README's table, which a test holds true.
"""

import secrets
import zoneinfo
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from . import sentry
from .environment import (
    address,
    choice,
    count,
    database,
    mail,
    networks,
    seconds,
    switch,
    text,
    token,
    words,
)

BASE_DIR = Path(__file__).resolve().parent.parent

# What kind of place this is

DEBUG = switch("DEBUG", True)
DATA_DIR = Path(text("DATA_DIR", str(BASE_DIR / "data"))).resolve()
BIND = text("BIND", "127.0.0.1")
PORT = count("PORT", 8000, most=65_535)

try:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(
        f"The data folder {DATA_DIR} cannot be made ({error.strerror}). "
        "Make its parent writable, or name another in DATA_DIR."
    ) from error


def generated_secret_key() -> str:
    """The laptop's own secret key: made once, kept in the data folder, readable by its owner."""
    path = DATA_DIR / "secret_key"
    try:
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(50))
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {DATA_DIR} cannot be written ({error.strerror}). "
            "Make it writable, or name another in DATA_DIR."
        ) from error


SECRET_KEY = text("SECRET_KEY")
if not DEBUG and 0 < len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("SECRET_KEY is shorter than 32 characters. Make it long and random.")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. With DEBUG=0 set it to a long random value, which must stay "
            "the same over restarts and workers."
        )
    SECRET_KEY = generated_secret_key()

ALLOWED_HOSTS = words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
if not DEBUG and "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS contains *. With DEBUG=0 name the hosts that this site is reached by: "
        "a forged one could otherwise pass as this site."
    )

# Origins beside the page's own that may open the socket and send forms, as https://chat.example
SITE_ORIGINS = words("SITE_ORIGINS")
CSRF_TRUSTED_ORIGINS = SITE_ORIGINS

# People reach this site by https alone: cookies are for nothing else, and http leads there.
HTTPS = switch("HTTPS", not DEBUG)
# The proxies in front, whose word on where a request comes from and how is believed.
TRUSTED_PROXIES = networks("TRUSTED_PROXIES")


# Who answers

OPENAI_API_KEY = text("OPENAI_API_KEY")
OPENAI_BASE_URL = address("OPENAI_BASE_URL")
OPENAI_MODEL = words("OPENAI_MODEL")

LLMS = {
    "demo": {"BACKEND": "chat.llm.demo.Demo"},
    "openai": {
        "BACKEND": "chat.llm.openai_compatible.OpenAICompatible",
        "BASE_URL": OPENAI_BASE_URL or "https://api.openai.com/v1",
        "API_KEY": OPENAI_API_KEY,
        # None named: OpenAI's own small one, or the first that another server offers.
        "MODELS": OPENAI_MODEL or ([] if OPENAI_BASE_URL else ["gpt-4o-mini"]),
        "FIRST_TOKEN_SECONDS": seconds("FIRST_TOKEN_SECONDS", 60),
        "BETWEEN_TOKENS_SECONDS": seconds("BETWEEN_TOKENS_SECONDS", 30),
        "WHOLE_REPLY_SECONDS": seconds("WHOLE_REPLY_SECONDS", 600),
        "RETRIES": count("RETRIES", 2, least=0),
        "MAX_TOKENS": count("LIMIT_REPLY_TOKENS", 8_000),
    },
}
LLMS["default"] = LLMS["openai" if OPENAI_API_KEY or OPENAI_BASE_URL else "demo"]

# Whose MODELS people may choose from. Those of "default" have their own names, those of any other
# are called "backend:model", so that no two are called the same.
CHAT_LLMS = ["default"]

# What happens inside a reply: the name that a conversation keeps, and where its graph is built.
# The first is what a new conversation gets.
CHAT_FLOWS = {
    "chat": "chat.flows.chat.build",
    "plan": "chat.flows.plan.build",
}

SYSTEM_PROMPT = text(
    "SYSTEM_PROMPT", "You are a helpful assistant. Answer in the language of the question."
)
CONTEXT_TOKENS = count("CONTEXT_TOKENS", 16_000)

# After its first reply a conversation gets a title by the model; else the first line stays.
TITLES = switch("TITLES", True)
TITLE_PROMPT = text(
    "TITLE_PROMPT",
    "Write a title for this conversation: at most six words, in the language of the conversation, "
    "without quotation marks. Answer with the title alone.",
)


# Limits and times (seconds)

CHAT_LIMITS = {
    "characters": count("LIMIT_CHARACTERS", 32_000),
    "messages": count("LIMIT_MESSAGES", 10_000, least=2),
    "reply_characters": count("LIMIT_REPLY_CHARACTERS", 400_000),
    "reply_tokens": LLMS["openai"]["MAX_TOKENS"],
    # Of one person
    "per_minute": count("LIMIT_PER_MINUTE", 20),
    "active": count("LIMIT_ACTIVE", 4),
    "sockets": count("LIMIT_SOCKETS", 32),
    "frames": count("LIMIT_FRAMES", 500),
    "tokens": count("LIMIT_TOKENS", 5_000_000, least=0),
    # Of one address: its guests together
    "address_per_minute": count("LIMIT_ADDRESS_PER_MINUTE", 60, least=0),
    "address_tokens": count("LIMIT_ADDRESS_TOKENS", 2_000_000, least=0),
    "address_people": count("LIMIT_ADDRESS_PEOPLE", 60, least=0),
    "address_sockets": count("LIMIT_ADDRESS_SOCKETS", 256, least=0),
    "address_pages": count("LIMIT_ADDRESS_PAGES", 16, least=0),
    # Of everybody together
    "all_tokens": count("LIMIT_ALL_TOKENS", 0, least=0),
}
CHAT_TIMES = {
    "tick": seconds("TICK_SECONDS", 0.05),
    "lease": seconds("LEASE_SECONDS", 15),
    "settle": seconds("SETTLE_SECONDS", 5),
    "poll": seconds("POLL_SECONDS", 1),
    "session": seconds("SESSION_SECONDS", 60),
    "heartbeat": seconds("HEARTBEAT_SECONDS", 20),
    "drain": seconds("DRAIN_SECONDS", 10),
    "slow": seconds("SLOW_SECONDS", 60),
    "title": seconds("TITLE_SECONDS", 20),
    "undo": seconds("UNDO_SECONDS", 60),
}

# The widest JSON escape of one character is 12 bytes (two \uXXXX), so a full message always fits.
FRAME_BYTES = 12 * CHAT_LIMITS["characters"] + 16 * 1024
DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE = FRAME_BYTES
DAPHNE_WEBSOCKET_MAX_FRAME_SIZE = FRAME_BYTES


# No form here is longer, and what is made of a body takes up to thirty times its size.
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024


# Django

INSTALLED_APPS = [
    "chatproject",  # before daphne: its runserver is daphne's with a first run made easy
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "csp",
    "chat",
]
MIDDLEWARE = [
    "chatproject.charset.ReadAsUTF8",
    "chatproject.proxies.RefuseUntrusted",
    "django.middleware.security.SecurityMiddleware",
    *([] if DEBUG else ["whitenoise.middleware.WhiteNoiseMiddleware"]),
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "chat.views.language.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "chatproject.urls"
ASGI_APPLICATION = "chatproject.asgi.application"
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
                "chat.views.preferences.appearance",
            ],
        },
    },
]


# What is kept, and the bell between workers

DATABASES = {"default": database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'chat.sqlite3'}")}
# Each page is served by a thread of its own, whose connection nobody would use or close after it.
DATABASES["default"]["CONN_MAX_AGE"] = 0
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Writers queue for the lock instead of failing, and readers never wait for a writer (WAL).
    # FULL: what was shown is on the disk, so that a power cut loses nothing either.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
            "PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=67108864;"
        ),
    }
else:
    # A worker that freezes within a transaction holds rows that others have to end: PostgreSQL
    # takes them back when its leases are over.
    options = DATABASES["default"].setdefault("OPTIONS", {})
    idle = f"-c idle_in_transaction_session_timeout={round(CHAT_TIMES['lease'] * 1000)}"
    options["options"] = f"{options.get('options', '')} {idle}".strip()
    # One that is gone without a word is noticed with the leases, not when the system gives up.
    lease = max(round(CHAT_TIMES["lease"]), 2)
    options.setdefault("connect_timeout", lease)
    options.setdefault("tcp_user_timeout", lease * 1000)
    options.setdefault("keepalives_idle", lease)
    options.setdefault("keepalives_interval", 2)
    options.setdefault("keepalives_count", 3)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# `manage.py settle` removes what is older than so many days; 0: nothing
GUEST_DAYS = count("GUEST_DAYS", 30, least=0, most=36_500)
KEEP_DAYS = count("KEEP_DAYS", 0, least=0, most=36_500)

REDIS_URL = text("REDIS_URL")
if REDIS_URL:
    # Pub/sub outlives a restart of Redis; the time-out keeps a frozen one from holding a bell.
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": 5}]},
        }
    }


# People

# Guests chat without an account. Safe on a laptop; on the internet it is a choice.
GUESTS = switch("GUESTS", DEBUG)
# Whether a person may make an account of their own; else the administrator makes them.
SIGN_UP = switch("SIGN_UP", DEBUG)

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in {
        "UserAttributeSimilarityValidator": {},
        "MinimumLengthValidator": {"min_length": 12},
        "CommonPasswordValidator": {},
        "NumericPasswordValidator": {},
    }.items()
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # only says who must wait
    "django.contrib.auth.backends.ModelBackend",
]

# Who guesses passwords has to wait: for one name at one address, and, a good deal later, for the
# name or the address alone (`chatproject/guesses.py`).
AXES_FAILURE_LIMIT = count("LIMIT_GUESSES", 5)
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_HANDLER = "chatproject.guesses.Handler"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "username", "ip_address"]
AXES_CLIENT_IP_CALLABLE = "chatproject.guesses.network_of"
AXES_LOCKOUT_TEMPLATE = "chat/accounts/locked.html"
AXES_DISABLE_ACCESS_LOG = True
# Who tries on while waiting is neither looked at nor written down, and waits no longer for it.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_VERBOSE = False
# What was posted with a wrong password is written down: these fields of it are not, nor `password`.
AXES_SENSITIVE_PARAMETERS = [
    *("old_password", "new_password1", "new_password2"),
    "csrfmiddlewaretoken",
]
LOGIN_URL = "chat:sign-in"
LOGIN_REDIRECT_URL = "chat:new"
LOGOUT_REDIRECT_URL = "chat:sign-in"

# Mail brings people the link to a new password. Without it the page sends them to you.
mail_server = mail("EMAIL_URL")
globals().update(mail_server)
MAIL = bool(mail_server)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = text("EMAIL_FROM", "chat@localhost")


# Languages and static files

TIME_ZONE = choice("TIME_ZONE", "UTC", zoneinfo.available_timezones(), "Europe/Berlin")
# Those whose catalogs are complete; docs/languages.md tells how to add one.
LANGUAGES = [("ar", "Arabic"), ("de", "German"), ("en", "English")]
LANGUAGE_CODE = choice("LANGUAGE_CODE", "en", dict(LANGUAGES), "de")
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = Path(text("STATIC_ROOT", str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "chatproject.static.HashedStaticFiles"
    },
}


# What browsers are told

# Nothing from another host, nothing inline, no string that becomes code.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["app"],
    }
}

SESSION_ENGINE = "chatproject.sessions"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 90
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True  # the page's script reads the token from the form
LANGUAGE_COOKIE_SECURE = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if HTTPS:
    # By their names, browsers take them over https alone, and from no other host of the domain.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked from inside
    SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365
# Whether other hosts of the domain are reached by https is not for a chat to say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

DEFAULT_EXCEPTION_REPORTER_FILTER = "chatproject.report.ReportFilter"


# What an operator sees

# Whether an operator says why before reading a conversation; that it is read is logged anyway.
ADMIN_REASON = switch("ADMIN_REASON", True)
# One line a record: for programs, or for a person's eyes.
LOG_FORMAT = choice("LOG_FORMAT", "text" if DEBUG else "json", ("json", "text"), "json or text")
LOG_LEVEL = choice(
    "LOG_LEVEL", "info", ("debug", "info", "warning", "error"), "debug, info, warning, or error"
)
METRICS_TOKEN = token("METRICS_TOKEN")
METRICS = switch("METRICS", bool(METRICS_TOKEN))
SENTRY_DSN = address("SENTRY_DSN")
if SENTRY_DSN:
    sentry.start(SENTRY_DSN)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"ours": {"()": "chat.logs.Ours"}},
    "formatters": {
        "line": {
            "()": f"chat.logs.{'JSON' if LOG_FORMAT == 'json' else 'Text'}Formatter",
            "frank": DEBUG,
            "secrets": [
                *(SECRET_KEY, OPENAI_API_KEY, METRICS_TOKEN, SENTRY_DSN),
                *(urlsplit(url).password or "" for url in (REDIS_URL, OPENAI_BASE_URL)),
                DATABASES["default"].get("PASSWORD") or "",
                mail_server.get("EMAIL_HOST_PASSWORD") or "",
            ],
        }
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["ours"]}
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "chat": {"level": LOG_LEVEL.upper()},
        # A page that fails; on a laptop one that is not there, too.
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.request": {"level": "WARNING" if DEBUG else "ERROR"},
        # Servers' own lines, and those of each request: a proxy writes them.
        "django.channels.server": {"level": "CRITICAL"},
        **{
            name: {"handlers": [], "level": "WARNING", "propagate": True}
            for name in ("daphne", "uvicorn", "uvicorn.error")
        },
        "uvicorn.access": {"handlers": [], "propagate": False},
        # Failed sign-ins stand in the admin. What is taken for a name may be a password.
        "axes": {"level": "ERROR"},
    },
}
