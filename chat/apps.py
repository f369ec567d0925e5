from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("Chat")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import (
            checks,  # noqa: F401 — registers them
            metrics,
        )
        from .replies import guard  # noqa: F401 — hears of accounts that change

        if settings.METRICS:
            try:
                metrics.start()
            except ImportError:
                raise ImproperlyConfigured(
                    "METRICS needs a package. Install it: pip install -r requirements-optional.txt"
                ) from None
