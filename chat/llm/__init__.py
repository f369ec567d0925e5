"""Who answers: the backends named in `settings.LLMS`, and the models that people may choose."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from .base import LLM
from .record import Recorded, recorder


def models() -> list[str]:
    """The models that people may choose, the default first: those of the backend "default" by their
    own names ("" where it has named none), those of the others in `CHAT_LLMS` as "backend:model".
    """
    return list(_places())


def named(model: str) -> LLM:
    """The backend for one of `models()`. Any other name is taken for a model of the default's."""
    return get(*_places().get(model, ("default", model)))


def _places() -> dict[str, tuple[str, str]]:
    """Where each model that is offered is to be had: its backend, and what that calls it."""
    places = {}
    for backend in settings.CHAT_LLMS:
        for model in settings.LLMS[backend].get("MODELS") or [""]:
            name = model if backend == "default" else f"{backend}:{model}"
            places.setdefault(name, (backend, model))
    return places


def get(name: str = "default", model: str = "") -> LLM:
    """The backend that `settings.LLMS` calls `name`, for `model` (empty: its own default). Where a
    recorder listens, it is told what is asked.

    Raises `ImproperlyConfigured` for a name, a class, or an option that does not exist.
    """
    if name not in settings.LLMS:
        raise ImproperlyConfigured(f"There is no {name!r} in LLMS.")
    config = {key.lower(): value for key, value in settings.LLMS[name].items()}
    backend = config.pop("backend", "")
    try:
        made = import_string(backend)(model=model, **config)
    except (ImportError, TypeError) as error:
        raise ImproperlyConfigured(f"LLMS[{name!r}] does not work: {error}") from error
    if recorder.get() is None:
        return made
    return Recorded(made, "" if name == "default" else f"{name}:")
