"""Before an operator reads what somebody said, they say why."""

from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from chat.models import Access
from chat.models.access import REASON_LENGTH

from .readonly import ReadOnlyAdmin, may_read


def is_open(request: HttpRequest, subject: Model) -> bool:
    """Whether the operator reads what was said in `subject`, a conversation or a profile: they may,
    and have said why today. Where no reason is asked for, this logs that they do."""
    return may_read(request) and Access.objects.admits(request.user, subject)


def back(request: HttpRequest, kind: str, id: object, anchor: str = "") -> HttpResponse:
    """To the page that posted: a row's, with the query that its address had."""
    page = reverse(f"admin:chat_{kind}_change", args=[id])
    query = urlencode(request.GET, doseq=True)
    return HttpResponseRedirect(f"{page}{query and '?'}{query}{anchor and '#'}{anchor}")


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=REASON_LENGTH,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )


class ReasonedAdmin(ReadOnlyAdmin):
    """Rows whose text is shown to an operator who has said why."""

    question = gettext_lazy("Why do you read this conversation?")

    def subject_of(self, obj: Model) -> Model:
        """What is read where `obj` is: a conversation, or a profile."""
        return obj

    def reading(self, request: HttpRequest, obj: Model, *, text: bool) -> dict:
        """For a row's page: whether its text is shown (`readable`), and the form that asks why
        (`ask`), if that is what it takes. `text`: whether there is any."""
        readable = text and is_open(request, self.subject_of(obj))
        asks = text and not readable and may_read(request)
        return {
            "readable": readable,
            "ask": ReasonForm() if asks else None,
            "question": self.question,
        }

    def get_urls(self) -> list:
        kind = self.opts.model_name
        view = self.admin_site.admin_view(require_POST(self.reason_view))
        return [
            path("<uuid:object_id>/reason/", view, name=f"chat_{kind}_reason"),
            *super().get_urls(),
        ]

    def reason_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Log the reason that was given, and show the page."""
        if not may_read(request) or not self.has_view_permission(request):
            raise PermissionDenied
        obj = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = ReasonForm(request.POST)
        if form.is_valid():
            Access.objects.log(request.user, self.subject_of(obj), form.cleaned_data["reason"])
        else:
            sentence = _("Say in a few words why you read it, %(most)d characters at most.")
            self.message_user(request, sentence % {"most": REASON_LENGTH}, messages.ERROR)
        return back(request, self.opts.model_name, object_id)
