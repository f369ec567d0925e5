"""Replies that an operator stops: one by the button beside it, several at once after a question."""

from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chat.models import Message
from chat.replies import bus
from chat.replies.stop import stop_reply

from .retry import page_of


class Stopping:
    """What `ConversationAdmin` has to stop by."""

    def get_urls(self) -> list:
        stop = self.admin_site.admin_view(self.stop_view)
        return [
            path("<uuid:object_id>/stop/<uuid:reply>/", stop, name="chat_conversation_stop"),
            *super().get_urls(),
        ]

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """Stopping changes something, so it asks for the permission to change."""
        return self.has_mark_permission(request)

    def stop_view(self, request: HttpRequest, object_id: UUID, reply: UUID) -> HttpResponse:
        """Stop one reply: the button beside it posts here."""
        if not self.has_stop_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        replies = Message.objects.filter(conversation=object_id, role=Message.Role.ASSISTANT)
        message = get_object_or_404(_without_words(replies), id=reply)
        if self._stop(request, message):
            self.message_user(request, _("The reply is stopped."), messages.SUCCESS)
        else:
            self.message_user(request, _("The reply had ended already."), messages.INFO)
        return HttpResponseRedirect(f"{page_of(message.conversation)}#m-{reply}")

    @admin.action(permissions=["stop"], description=gettext_lazy("Stop the replies"))
    def stop_replies(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Stop what is being written in the selected conversations (`sure`), or ask whether to."""
        active = Message.objects.active().filter(conversation__in=queryset.values("id"))
        count = active.count()
        if not count:
            self.message_user(request, _("No reply is being written there."), messages.INFO)
            return None
        if "sure" not in request.POST:
            return self._ask(request, count)
        stopped = sum(self._stop(request, reply) for reply in _without_words(active))
        said = ngettext("%(n)d reply is stopped.", "%(n)d replies are stopped.", stopped)
        level = messages.SUCCESS if stopped else messages.INFO
        self.message_user(request, said % {"n": stopped}, level)
        return None

    def _ask(self, request: HttpRequest, count: int) -> TemplateResponse:
        names = ("action", "_selected_action", "select_across")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Stop the replies"),
            "opts": self.opts,
            "count": count,
            "again": [(name, value) for name in names for value in request.POST.getlist(name)],
            "media": self.media,
        }
        return TemplateResponse(request, "admin/chat/conversation/stop_selected.html", context)

    def _stop(self, request: HttpRequest, reply: Message) -> bool:
        """Stop a reply, log who did, and ring; False if it was final already."""
        with transaction.atomic():
            stopped = stop_reply(reply)
            if stopped:
                note = _("Stopped the reply, message %(seq)d.") % {"seq": reply.seq}
                self.log_change(request, reply.conversation, note)
                transaction.on_commit(lambda: bus.ring(bus.ENDED, reply.conversation_id))
        return stopped


def _without_words(replies: QuerySet) -> QuerySet:
    """The replies with their conversations, without what was said in them."""
    words = ("text", "reasoning", "conversation__title")
    return replies.select_related("conversation").defer(*words)
