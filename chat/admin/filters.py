from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR, ChangeList
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat import flows, llm
from chat.models import Access, Message, Tag

# How many of the newest rows name the values to filter by: asking all would read the table.
RECENT = 1000
MOST_TAGS = 100


class NewestReply(admin.SimpleListFilter):
    """By the status of a conversation's newest reply."""

    title = _("newest reply")
    parameter_name = "newest"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list:
        return [
            (Message.Status.RUNNING, _("Live")),
            (Message.Status.INTERRUPTED, _("Interrupted")),
            (Message.Status.ERROR, _("Error")),
            (Message.Status.STOPPED, _("Stopped")),
            (Message.Status.DONE, _("Done")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        status = self.value()
        if not status:
            return queryset
        replies = Message.objects.with_status(status)
        if status == Message.Status.DONE:  # as nearly every conversation has it
            replies = replies.filter(role=Message.Role.ASSISTANT)
            newest = replies.filter(conversation=OuterRef("pk"), seq=OuterRef("last_seq"))
            return queryset.filter(Exists(newest))
        return queryset.filter(id__in=replies.newest().values("conversation"))


class Status(admin.SimpleListFilter):
    """By a message's status."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list:
        return Message.Status.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.with_status(self.value()) if self.value() else queryset


class OneOf(admin.SimpleListFilter):
    """By a column with a few values, which are not looked for in the whole table."""

    def offered(self) -> list[str]:
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list:
        # The one that is asked for stays, even if it is no longer offered.
        asked = request.GET.getlist(self.parameter_name)[:1]
        return [(value, value) for value in dict.fromkeys([*self.offered(), *asked]) if value]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class Assistant(OneOf):
    """By the flow that answers."""

    title = _("assistant")
    parameter_name = "assistant"

    def offered(self) -> list[str]:
        return flows.names()


class ChosenModel(OneOf):
    """By the model that the owner has chosen."""

    title = _("chosen model")
    parameter_name = "model"

    def offered(self) -> list[str]:
        return llm.models()[1:]


class Model(OneOf):
    """By the model that wrote."""

    title = _("model")
    parameter_name = "model"

    def offered(self) -> list[str]:
        newest = Message.objects.order_by("-created").values_list("model", flat=True)
        return sorted(set(newest[:RECENT]))


class Operator(OneOf):
    """By who has read."""

    title = _("operator")
    parameter_name = "operator_name"

    def offered(self) -> list[str]:
        newest = Access.objects.order_by("-created").values_list("operator_name", flat=True)
        return sorted(set(newest[:RECENT]))


class YesNo(admin.SimpleListFilter):
    """By a condition: those that meet it, or all the others."""

    condition: Q

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        match self.value():
            case "yes":
                return queryset.filter(self.condition)
            case "no":
                return queryset.exclude(self.condition)
        return queryset


class GuestOwner(YesNo):
    """By whether the owner is a guest; an account may have no profile."""

    title = _("guest")
    parameter_name = "guest"
    condition = Q(owner__profile__guest=True)


class Deleted(YesNo):
    """By whether what was said is deleted, which leaves a row with id and owner."""

    title = _("deleted")
    parameter_name = "is_deleted"
    condition = Q(deleted__isnull=False)


class Flagged(YesNo):
    """By whether an operator has flagged it."""

    title = _("flagged")
    parameter_name = "flag"
    condition = Q(flagged__isnull=False)


class Tagged(admin.SimpleListFilter):
    """By a tag; without any there is no such filter."""

    title = _("tag")
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list:
        return [(str(tag.pk), tag.name) for tag in Tag.objects.all()[:MOST_TAGS]]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value() or ""
        is_key = value.isdecimal() and len(value) < 19  # which a database can hold
        return queryset.filter(tags=int(value)) if is_key else queryset


class DateRange(admin.FieldListFilter):
    """From a day to a day, both included, in the site's time zone: a form, and a few days to click.

    Used as `("created", DateRange)`; `?created__from=2026-01-31&created__to=…` in the address.
    """

    template = "admin/chat/date_range.html"

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.names = self.expected_parameters()
        self.values = [self._asked(name) for name in self.names]

    def expected_parameters(self) -> list[str]:
        return [f"{self.field_path}__from", f"{self.field_path}__to"]

    def _asked(self, name: str) -> str:
        value = self.used_parameters.get(name) or [""]
        return value[-1] if isinstance(value, list) else value

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        try:
            begin, end = (value and date.fromisoformat(value) for value in self.values)
            if begin:
                queryset = queryset.filter(**{f"{self.field_path}__gte": _midnight(begin)})
            if end:
                end += timedelta(days=1)
                queryset = queryset.filter(**{f"{self.field_path}__lt": _midnight(end)})
        except (ValueError, OverflowError):
            raise IncorrectLookupParameters from None
        return queryset

    def choices(self, changelist: ChangeList) -> Iterator[dict]:
        today = timezone.localdate()
        for name, *ago in (
            (_("Any date"), None, None),
            (_("Today"), 0, None),
            (_("Yesterday"), 1, 1),
            (_("Last 7 days"), 6, None),
        ):
            days = ["" if n is None else (today - timedelta(days=n)).isoformat() for n in ago]
            query = {name: day or None for name, day in zip(self.names, days, strict=True)}
            yield {
                "display": name,
                "selected": self.values == days,
                "query_string": changelist.get_query_string(query),
            }

    @property
    def others(self) -> list[tuple[str, str]]:
        """What else the address asks for: it goes with the form."""
        mine = {*self.names, PAGE_VAR, ERROR_FLAG}
        return [(name, value) for name, value in self.request.GET.items() if name not in mine]


def _midnight(day: date) -> datetime:
    # In UTC, as the database has it: the first midnight of all may lie before that.
    return timezone.make_aware(datetime.combine(day, time.min)).astimezone(UTC)


class LastActivity(DateRange):
    """By when a conversation was last written in."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("last activity")
