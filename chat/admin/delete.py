"""Conversations deleted by an operator: as by their owner, what was said goes, the row stays."""

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.models import Conversation, Message
from chat.replies import bus


class Deleting:
    """What `ConversationAdmin` has to delete by."""

    @admin.action(
        permissions=["delete"],
        description=gettext_lazy("Delete what was said in the selected conversations"),
    )
    def delete_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Django's own action and its confirmation, for those that are not deleted already."""
        if not queryset.alive().exists():
            self.message_user(request, _("They are deleted already."), messages.INFO)
            return None
        return delete_selected(self, request, queryset.alive())

    def delete_view(self, request: HttpRequest, object_id: str, extra_context=None) -> HttpResponse:
        conversation = self.get_object(request, unquote(object_id))
        if conversation and conversation.deleted and self.has_delete_permission(request):
            self.message_user(request, _("It is deleted already."), messages.INFO)
            return HttpResponseRedirect(reverse("admin:chat_conversation_changelist"))
        return super().delete_view(request, object_id, extra_context)

    def delete_model(self, request: HttpRequest, obj: Conversation) -> None:
        with transaction.atomic():
            if obj.copy_of_id is not None:
                Conversation.objects.filter(id=obj.id).discard()
                return
            # Its owner may be another by now, where a guest has signed in.
            if Conversation.objects.remove_at_once(obj.id):
                transaction.on_commit(lambda: bus.ring(bus.CHANGED, obj.id))

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: str) -> HttpResponse:
        super().response_delete(request, obj_display, obj_id)  # it tells the operator
        # Django leads to its index, where nothing can be changed; the list is still there.
        return HttpResponseRedirect(reverse("admin:chat_conversation_changelist"))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        # One after the other, so that no conversation is locked while another one is deleted.
        for conversation in queryset:
            self.delete_model(request, conversation)

    def get_deleted_objects(self, objs, request: HttpRequest) -> tuple:
        """The conversations, and how many messages go with them. Django would list each message,
        and ask for the permission to delete single ones, which nobody does."""
        links = [
            format_html(
                '<a href="{}">{}</a>', reverse("admin:chat_conversation_change", args=[one.pk]), one
            )
            for one in objs
        ]
        counts = {
            Conversation._meta.verbose_name_plural: len(links),
            Message._meta.verbose_name_plural: sum(one.said for one in objs),
        }
        lacking = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return links, counts, lacking, []
