"""What the replies of the last days came to, and what is being written now."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.codes import REPLY_ERRORS
from chat.models import Day, Figures, Message

from . import chart, facts
from .readonly import ReadOnlyAdmin, may_read, settle_lost

PERIODS = (7, 30, 90, 365)  # days
COUNTING_SECONDS = 2.0  # of a request
LIVE = 50


@dataclass(frozen=True)
class Row:
    """Figures as a table has them."""

    name: str
    figures: Figures
    people: int | None = None

    @property
    def tokens(self) -> str:
        return facts.read_and_written(self.figures.read, self.figures.written)

    @cached_property
    def median(self) -> float | None:
        return self.figures.quantile(0.5)

    @cached_property
    def slow(self) -> float | None:
        return self.figures.quantile(0.95)

    @property
    def median_said(self) -> str:
        return _seconds(self.median)

    @property
    def slow_said(self) -> str:
        return _seconds(self.slow)

    @property
    def failed(self) -> str:
        share = self.figures.failed / self.figures.replies if self.figures.replies else 0
        return f"{facts.number(self.figures.failed)} ({facts.number(100 * share, 1)} %)"


@admin.register(Day)
class DayAdmin(ReadOnlyAdmin):
    """The overview, which stands where another table has its list."""

    class Media:
        css = {"all": ["chat/css/overview.css"]}

    def has_delete_permission(self, request: HttpRequest, obj: Day | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        settle_lost()
        wanted = request.GET.get("days", "")
        period = int(wanted) if wanted in map(str, PERIODS) else PERIODS[1]
        days, is_whole = Day.objects.latest(period, seconds=COUNTING_SECONDS)
        by_model = [day.by_model() for day in days]
        rows = [
            Row(_day(day), Figures.total(models.values()), day.people)
            for day, models in zip(days, by_model, strict=True)
        ]
        whole = Figures.total(row.figures for row in rows)
        context = self.admin_site.each_context(request) | {
            "title": _("Overview"),
            "subtitle": None,
            "opts": self.opts,
            "media": self.media,
            "periods": PERIODS,
            "period": period,
            "is_whole": is_whole,
            "first": rows[0].name,
            "last": rows[-1].name,
            "charts": charts(rows, whole),
            "models": _models(by_model),
            "errors": [
                (code, _(REPLY_ERRORS[code][0]) if code in REPLY_ERRORS else "", count)
                for code, count in whole.errors.most_common()
            ],
            "days": rows[::-1],
            "live": self._live(request),
            "readable": may_read(request),
        }
        return TemplateResponse(request, "admin/chat/overview.html", context)

    def change_view(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        return self.changelist_view(request)  # a day has no page of its own

    def _live(self, request: HttpRequest) -> list[dict] | None:
        """The replies that are being written, the earliest first; None if they are not for this
        operator."""
        view = get_permission_codename("view", Message._meta)
        if not request.user.has_perm(f"chat.{view}"):
            return None
        readable = may_read(request)
        hidden = ("text", "reasoning", *(() if readable else ("conversation__title",)))
        replies = Message.objects.with_status(Message.Status.RUNNING)
        replies = replies.select_related("conversation__owner__profile")
        replies = replies.defer(*hidden, "conversation__owner__profile__instructions")
        now = timezone.now()
        return [
            {
                "reply": reply,
                "label": facts.label(reply.conversation, readable=readable),
                "copy": facts.copy_chip(reply.conversation),
                "owner": facts.owner(reply.conversation),
                "for": facts.duration((now - reply.created).total_seconds()),
            }
            for reply in replies.order_by("created")[:LIVE]
        ]


def charts(days: list[Row], whole: Figures) -> list[chart.Chart]:
    """The charts of these days, which come to `whole` all together."""
    names = [day.name for day in days]
    figures = [day.figures for day in days]
    number = facts.number
    median, slow = [day.median for day in days], [day.slow for day in days]
    people = [day.people for day in days]
    replies = ngettext("%(n)s reply", "%(n)s replies", whole.replies)
    tokens = ngettext("%(n)s token", "%(n)s tokens", whole.read + whole.written)
    busiest = max(people)
    most = ngettext("%(n)s person on the busiest day", "%(n)s people on the busiest day", busiest)
    return [
        chart.stacked(
            _("Replies"),
            replies % {"n": number(whole.replies)},
            [
                ("good", _("in order"), [one.replies - one.failed for one in figures]),
                ("bad", _("failed or broken off"), [one.failed for one in figures]),
            ],
            [
                _("%(day)s: %(replies)s replies, %(failed)s failed")
                % {"day": name, "replies": number(one.replies), "failed": number(one.failed)}
                for name, one in zip(names, figures, strict=True)
            ],
            number,
        ),
        chart.lines(
            _("Until the first token"),
            _("%(median)s for half of them, %(slow)s for 95 of 100")
            % {"median": _seconds(whole.quantile(0.5)), "slow": _seconds(whole.quantile(0.95))},
            [("good", _("half of them"), median), ("warn", _("95 of 100"), slow)],
            [f"{day.name}: {day.median_said}, {day.slow_said}" for day in days],
            _seconds,
        ),
        chart.stacked(
            _("Tokens"),
            tokens % {"n": number(whole.read + whole.written)},
            [
                ("quiet", _("read"), [one.read for one in figures]),
                ("good", _("written"), [one.written for one in figures]),
            ],
            [f"{day.name}: {day.tokens}" for day in days],
            number,
        ),
        chart.stacked(
            _("People"),
            most % {"n": number(busiest)},
            [("good", _("wrote something"), people)],
            [f"{name}: {number(count)}" for name, count in zip(names, people, strict=True)],
            number,
        ),
    ]


def _models(days: list[dict[str, Figures]]) -> list[Row]:
    """The models of these days, the busiest first."""
    found: defaultdict[str, list[Figures]] = defaultdict(list)
    for day in days:
        for model, figures in day.items():
            found[model].append(figures)
    rows = [Row(model or _("none"), Figures.total(several)) for model, several in found.items()]
    return sorted(rows, key=lambda row: -row.figures.replies)


def _day(day: Day) -> str:
    return formats.date_format(day.date, "j M Y")


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return facts.milliseconds(1000 * value)
