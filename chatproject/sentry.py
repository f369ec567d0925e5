"""What Sentry is told, where SENTRY_DSN names one: that something failed, and where in the code.

Never what people wrote, who they are, or what opens doors: an event is not cleaned but made anew
from what it may hold.
"""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from chat import logs

# Of an event, of an exception in it, and of one of its frames.
EVENT = ("event_id", "timestamp", "level", "platform", "logger", "sdk", "environment")
EXCEPTION = ("type", "module")
FRAME = ("filename", "module", "function", "lineno", "in_app")


def start(dsn: str) -> None:
    """Tell the Sentry at `dsn` of every error that is logged, and of what ends the process."""
    try:
        import sentry_sdk
        from sentry_sdk.integrations.atexit import AtexitIntegration
        from sentry_sdk.integrations.dedupe import DedupeIntegration
        from sentry_sdk.integrations.excepthook import ExcepthookIntegration
        from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger
    except ImportError:
        raise ImproperlyConfigured(
            "SENTRY_DSN needs a package. Install it: pip install -r requirements-optional.txt"
        ) from None
    ignore_logger("django.security.*")  # who knocks at a wrong door is no failure
    sentry_sdk.init(
        dsn,
        # Of requests, queries, and so on it is not to know: what fails is logged.
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            LoggingIntegration(level=None),
            ExcepthookIntegration(),
            DedupeIntegration(),
            AtexitIntegration(callback=lambda pending, timeout: None),  # which would print
        ],
        before_send=reduced,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        send_default_pii=False,
        auto_session_tracking=False,
        server_name="",
    )


def reduced(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
    """What of `event` may be told: which exceptions, in which lines, and for which ids."""
    told = {key: event[key] for key in EVENT if key in event}
    record = (hint or {}).get("log_record")
    if record is not None:
        known = {**logs.bound(), **getattr(record, "fields", {})}
        told["tags"] = {name: str(value) for name, value in known.items()}
        # Before its arguments are in it; of others it may come with them.
        if record.name.split(".")[0] == logs.OURS:
            told["logentry"] = {"message": str(record.msg)}
    found = event.get("exception", {}).get("values", [])
    if found:
        told["exception"] = {"values": [_exception(one) for one in found]}
    return told


def _exception(one: dict[str, Any]) -> dict[str, Any]:
    frames = (one.get("stacktrace") or {}).get("frames", [])
    return {
        **{key: one[key] for key in EXCEPTION if key in one},
        "value": "",
        "stacktrace": {
            "frames": [{key: frame[key] for key in FRAME if key in frame} for frame in frames]
        },
    }
