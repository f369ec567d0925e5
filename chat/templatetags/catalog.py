"""`{% script_words as words %}`: what the page's scripts say in its language."""

from functools import cache

from django import template
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation.trans_real import DjangoTranslation
from django.views.i18n import JSONCatalog

register = template.Library()


@register.simple_tag
def script_words() -> dict[str, str | list[str]]:
    """The sentences by what stands in the scripts; empty for English, which does.

    They go out in the page, not as a file of its own: no request, and never of another version.
    """
    return words_in(get_language())


@cache
def words_in(language: str) -> dict[str, str | list[str]]:
    catalog = JSONCatalog()
    catalog.translation = DjangoTranslation(
        language, domain="djangojs", localedirs=settings.LOCALE_PATHS
    )
    return catalog.get_catalog()
