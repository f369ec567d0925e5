"""Who answers: the backends named in `settings.LLMS`."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from .base import LLM


def get(name: str = "default", model: str = "") -> LLM:
    """The backend that `settings.LLMS` calls `name`, for `model` (empty: its own default).

    Raises `ImproperlyConfigured` for a name, a class, or an option that does not exist.
    """
    if name not in settings.LLMS:
        raise ImproperlyConfigured(f"There is no {name!r} in LLMS.")
    config = {key.lower(): value for key, value in settings.LLMS[name].items()}
    backend = config.pop("backend", "")
    try:
        return import_string(backend)(model=model, **config)
    except (ImportError, TypeError) as error:
        raise ImproperlyConfigured(f"LLMS[{name!r}] does not work: {error}") from error
