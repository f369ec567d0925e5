from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_permission_codename, get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chat import words
from chat.models import Conversation, Message, SearchEntry, bring_in
from chat.replies import bus
from chat.replies.stop import stop_reply

from . import facts, transcript
from .export import Exporting
from .filters import Assistant, ChosenModel, Deleted, GuestOwner, LastActivity, NewestReply
from .live import Live
from .readonly import ContentAdmin, may_read
from .retry import Copies, Retrying, chips, page_of

OWNER_NAME = get_user_model().USERNAME_FIELD
MOST_PLACES = 1_000  # of what was said, the latest
INDEXING_SECONDS = 1.0  # of a request


@admin.register(Conversation)
class ConversationAdmin(Exporting, Retrying, Live, ContentAdmin):
    """Conversations: the list, the thread, a reply stopped, what was said deleted."""

    class Media:
        css = {"all": ["chat/css/admin-acts.css"]}

    list_filter = (
        NewestReply,
        Assistant,
        ChosenModel,
        GuestOwner,
        ("updated", LastActivity),
        "created",
        Deleted,
        Copies,
    )
    linked_by = ("owner",)
    ordering = ("-updated",)
    actions = ("export_selected", "stop_replies", "delete_selected")

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        replies = Message.objects.filter(
            conversation=OuterRef("pk"), role=Message.Role.ASSISTANT
        ).order_by("-seq")
        conversations = super().get_queryset(request).select_related("owner__profile")
        conversations = conversations.defer("owner__profile__instructions")
        conversations = conversations.annotate(newest=Subquery(replies.values("status")[:1]))
        return conversations if may_read(request) else conversations.defer("title")

    def get_list_display(self, request: HttpRequest) -> list[str]:
        name = "titled" if may_read(request) else "untitled"
        return [name, "state", "owned_by", "assistant", "said", "last_activity"]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        names = [f"owner__{OWNER_NAME}", "^id"]
        return [*names, "title"] if may_read(request) else names

    def get_search_help(self, request: HttpRequest) -> str:
        if may_read(request):
            return _("By the owner's name, the title, what was said, or how the id begins.")
        return _("By the owner's name, or how the id begins.")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """For one who may read it, also by what was said."""
        found, duplicates = super().get_search_results(request, queryset, search_term)
        query = words.asked(search_term)
        if not may_read(request) or not query.phrases or query.is_too_short:
            return found, duplicates
        if not bring_in(Conversation.objects.all(), seconds=INDEXING_SECONDS):
            said = _("What was said is still being made ready for searching. Search again.")
            self.message_user(request, said, messages.WARNING)
        said = SearchEntry.objects.matching(query, newest=MOST_PLACES)
        return found | queryset.filter(id__in=said.values("conversation")), duplicates

    @admin.display(description=gettext_lazy("conversation"), ordering="title")
    def titled(self, conversation: Conversation) -> SafeString:
        return facts.label(conversation, readable=True)

    @admin.display(description=gettext_lazy("conversation"))
    def untitled(self, conversation: Conversation) -> SafeString:
        return facts.label(conversation, readable=False)

    @admin.display(description=gettext_lazy("owner"), ordering=f"owner__{OWNER_NAME}")
    def owned_by(self, conversation: Conversation) -> SafeString:
        return facts.owner(conversation)

    @admin.display(description=gettext_lazy("messages"), ordering="last_seq")
    def said(self, conversation: Conversation) -> int:
        # Each message has the next number, and they are only deleted all together.
        return 0 if conversation.deleted else conversation.last_seq

    @admin.display(description=gettext_lazy("last activity"), ordering="updated")
    def last_activity(self, conversation: Conversation) -> str:
        return facts.minute(conversation.updated)

    @admin.display(description=gettext_lazy("state"), empty_value="")
    def state(self, conversation: Conversation) -> SafeString | None:
        if conversation.deleted:
            return facts.chip("deleted")
        notable = {Message.Status.RUNNING, Message.Status.INTERRUPTED, Message.Status.ERROR}
        status = conversation.newest if conversation.newest in notable else ""
        return chips(conversation, status)

    # The thread

    def render_change_form(self, request: HttpRequest, context: dict, **options) -> HttpResponse:
        conversation = options["obj"]
        readable = may_read(request)
        context |= {
            "title": (readable and not conversation.deleted and conversation.title)
            or _("Conversation %(id)s") % {"id": facts.short(conversation.id)},
            "may_stop": self.has_stop_permission(request),
            "show_delete": conversation.deleted is None,
            "owner": facts.owner(conversation),
            "said": self.said(conversation),
            "title_tokens": facts.title_tokens(conversation),
            "transcript": transcript.read(
                conversation,
                readable=readable,
                through=_uuid(request.GET.get("through", "")),
                page=_number(request.GET.get("page", "")),
            ),
        }
        return super().render_change_form(request, context, **options)

    # Stop

    def get_urls(self) -> list:
        stop = self.admin_site.admin_view(self.stop_view)
        return [
            path("<uuid:object_id>/stop/<uuid:reply>/", stop, name="chat_conversation_stop"),
            *super().get_urls(),
        ]

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """Stopping is the one change there is, so it asks for the permission to change."""
        change = get_permission_codename("change", self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{change}")

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
    def stop_replies(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Stop what is being written in the selected conversations."""
        active = Message.objects.active().filter(conversation__in=queryset.values("id"))
        stopped = sum(self._stop(request, reply) for reply in _without_words(active))
        said = ngettext("%(n)d reply is stopped.", "%(n)d replies are stopped.", stopped)
        level = messages.SUCCESS if stopped else messages.INFO
        nothing = _("No reply is being written there.")
        self.message_user(request, said % {"n": stopped} if stopped else nothing, level)

    def _stop(self, request: HttpRequest, reply: Message) -> bool:
        """Stop a reply, log who did, and ring; False if it was final already."""
        with transaction.atomic():
            stopped = stop_reply(reply)
            if stopped:
                note = _("Stopped the reply, message %(seq)d.") % {"seq": reply.seq}
                self.log_change(request, reply.conversation, note)
                transaction.on_commit(lambda: bus.ring(bus.ENDED, reply.conversation_id))
        return stopped

    # Delete: as its owner does, what was said goes and the row stays

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
            try:
                locked = Conversation.objects.lock(obj.id, owner=obj.owner)
            except Conversation.DoesNotExist:
                return  # its owner was faster
            locked.delete_content()
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
            Message._meta.verbose_name_plural: sum(self.said(one) for one in objs),
        }
        lacking = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return links, counts, lacking, []


def _without_words(replies: QuerySet) -> QuerySet:
    """The replies with their conversations, without what was said in them."""
    words = ("text", "reasoning", "conversation__title")
    return replies.select_related("conversation").defer(*words)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None
