"""A reply once more, by another flow or model, in a copy beside the original."""

from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import Error as DatabaseError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from chat import flows, llm
from chat.models import Conversation, Message
from chat.protocol import Refused
from chat.replies import sync

from . import facts, transcript
from .live import following
from .readonly import may_read, settle_lost
from .reason import is_open

REFUSALS = {
    "rate": gettext_lazy("You ask for replies too often. Wait a minute, and try again."),
    "budget": gettext_lazy("Your allowance of tokens for today is used up."),
    "too_many": gettext_lazy("Too many replies are being written for you. Wait for one."),
    "busy": gettext_lazy("The reply is still being written. Wait for its end, or stop it."),
    "bad_field": gettext_lazy("That assistant or model is no longer offered. Choose another."),
    "not_found": gettext_lazy("The reply is not there any more."),
}
UNAVAILABLE = gettext_lazy("The server cannot write replies right now. Try again in a moment.")


class Copies(admin.SimpleListFilter):
    """The copies in which replies were retried: they are nobody's conversations, and so left out
    unless they are asked for."""

    title = gettext_lazy("retries")
    parameter_name = "copies"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list:
        return [("only", _("Only retries")), ("all", _("Both"))]

    def choices(self, changelist):
        without, *others = super().choices(changelist)
        yield without | {"display": _("Without")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        match self.value():
            case "only":
                return queryset.copies()
            case "all":
                return queryset
        return queryset.filter(copy_of=None)


class Retrying:
    """What `ConversationAdmin` has to retry by."""

    def get_urls(self) -> list:
        retry = self.admin_site.admin_view(require_POST(self.retry_view))
        beside = self.admin_site.admin_view(self.beside_view)
        return [
            path("<uuid:object_id>/retry/<uuid:reply>/", retry, name="chat_conversation_retry"),
            path("<uuid:object_id>/beside/", beside, name="chat_conversation_beside"),
            *super().get_urls(),
        ]

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Who retries reads what was said, and has something made."""
        return may_read(request) and self.has_stop_permission(request)

    def render_change_form(self, request: HttpRequest, context: dict, **options) -> HttpResponse:
        context |= self._offer(request)
        conversation = options["obj"]
        if context["may_retry"] and conversation.copy_of_id is None:
            context["copies"] = _copies(Conversation.objects.copies_of(conversation.id))
        return super().render_change_form(request, context, **options)

    def retry_view(self, request: HttpRequest, object_id: UUID, reply: UUID) -> HttpResponse:
        """Have the reply written once more: the form beside it posts here."""
        if not self.has_retry_permission(request):
            raise PermissionDenied
        assistant, model = (request.POST.get(name, "") for name in ("assistant", "model"))
        there = Message.objects.filter(conversation=object_id).only("seq", "conversation")
        original = get_object_or_404(there, id=reply)
        thread = reverse("admin:chat_conversation_change", args=[object_id])
        thread = f"{thread}?through={reply}#m-{reply}"
        if not is_open(request, original.conversation):
            return HttpResponseRedirect(thread)  # which asks why
        try:
            accepted = sync.ask(
                lambda here: here.retry(request.user, reply, assistant=assistant, model=model)
            )
        except (Refused, DatabaseError) as error:
            said = REFUSALS.get(getattr(error, "code", ""), UNAVAILABLE)
            self.message_user(request, said, messages.ERROR)
            return HttpResponseRedirect(thread)
        note = _("Retried message %(seq)d in the copy %(copy)s, by %(assistant)s, %(model)s.") % {
            "seq": original.seq,
            "copy": facts.short(accepted.conversation),
            "assistant": assistant,
            "model": accepted.task.reply.model,
        }
        self.log_change(request, Conversation.objects.defer("title").get(id=object_id), note)
        return HttpResponseRedirect(
            reverse("admin:chat_conversation_beside", args=[accepted.conversation])
        )

    def beside_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """The original reply, and beside it the one of the copy `object_id`."""
        if not (self.has_view_permission(request) and may_read(request)):
            raise PermissionDenied
        settle_lost()
        copies = Conversation.objects.copies().filter(copy_of__conversation__deleted=None)
        copy = copies.filter(id=object_id).alive().select_related("copy_of").first()
        replies = _messages().filter(conversation=copy, role=Message.Role.ASSISTANT)
        retried = copy and replies.order_by("-seq").first()
        if retried is None:
            raise Http404
        original = _messages().get(id=copy.copy_of_id)
        if not is_open(request, copy):
            thread = reverse("admin:chat_conversation_change", args=[original.conversation_id])
            return HttpResponseRedirect(f"{thread}?through={original.id}#m-{original.id}")
        question = _messages().get(id=original.parent_id)
        context = {
            **self.admin_site.each_context(request),
            **self._offer(request),
            "title": _("Retry beside the original"),
            "opts": self.opts,
            "media": self.media,
            "readable": True,
            "may_stop": self.has_stop_permission(request),
            "original": original.conversation,
            "called": original.conversation.title or facts.short(original.conversation_id),
            "copy": copy,
            "live": following(request, copy),
            "is_running": not retried.is_final,
            "question": transcript.one(question, readable=True),
            "turns": [
                (_("Original"), transcript.one(original, readable=True)),
                (_("Retry"), transcript.one(retried, readable=True)),
            ],
            "copies": _copies(Conversation.objects.copies().filter(copy_of=original)),
        }
        return TemplateResponse(request, "admin/chat/conversation/beside.html", context)

    def _offer(self, request: HttpRequest) -> dict:
        """What there is to choose from, for one who may."""
        may = self.has_retry_permission(request)
        return {"may_retry": may, "assistants": flows.names(), "models": llm.models()}


def page_of(conversation: Conversation) -> str:
    """The address where an operator reads it: a copy's is beside its original."""
    page = "change" if conversation.copy_of_id is None else "beside"
    return reverse(f"admin:chat_conversation_{page}", args=[conversation.id])


def _messages() -> QuerySet:
    """Of whom they are, without what `transcript` reads."""
    return Message.objects.select_related("conversation__owner").defer("text", "reasoning")


def _copies(copies: QuerySet) -> list[tuple]:
    """Each with what there is to tell it by: the reply that it is of, who wrote it, and when."""
    found = copies.alive().select_related("copy_of", "owner").defer("copy_of__text", "title")
    return [
        (copy, copy.copy_of.seq, copy.owner.get_username(), facts.minute(copy.created))
        for copy in found.order_by("-created")
    ]
