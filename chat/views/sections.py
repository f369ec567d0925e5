"""The list of conversations in sections, as `static/chat/js/sections.js` has them: the page comes
with what its script would make of it, so that nothing moves when that runs."""

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from itertools import groupby
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

# The person's time zone, which the script knows and the server does not.
ZONE_COOKIE = "zone"


def sections(entries: list[dict], cookies: Mapping[str, str]) -> list[dict]:
    """The entries of a list, in its order, as sections with `key`, `label`, and `entries`."""
    zone = zone_of(cookies)
    today = timezone.now().astimezone(zone).date()
    labels = {
        "pinned": _("Pinned"),
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "week": _("Last 7 days"),
    }
    found = []
    for key, group in groupby(entries, lambda entry: _key(entry, today, zone)):
        label = labels.get(key) or date_format(date.fromisoformat(f"{key}-01"), "F Y")
        found.append({"key": key, "label": label, "entries": list(group)})
    return found


def _key(entry: dict, today: date, zone: tzinfo) -> str:
    if entry["pinned"]:
        return "pinned"
    day = datetime.fromisoformat(entry["updated"]).astimezone(zone).date()
    ago = (today - day).days
    if ago <= 1:
        return "yesterday" if ago == 1 else "today"
    return "week" if ago <= 7 else f"{day:%Y-%m}"


def zone_of(cookies: Mapping[str, str]) -> tzinfo:
    """The person's time zone; the site's where the browser does not say."""
    try:
        return ZoneInfo(cookies.get(ZONE_COOKIE, ""))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone.get_default_timezone()
