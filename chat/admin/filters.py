from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from chat import flows, llm
from chat.models import Message

# How many of the newest messages name the models to filter by: asking all would read the table.
RECENT = 1000


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
        if self.value() == Message.Status.RUNNING:
            # The few active replies have an index; an active one is always the newest.
            return queryset.filter(id__in=Message.objects.active().values("conversation"))
        return queryset.filter(newest=self.value()) if self.value() else queryset


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


class LastActivity(admin.DateFieldListFilter):
    """By when a conversation was last written in."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("last activity")
