"""What operators say of a conversation: a flag, tags, and notes. Its owner sees none of it."""

from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from chat.models import Conversation, Note, Tag
from chat.models.note import NOTE_LENGTH
from chat.models.tag import NAME_LENGTH

from .filters import MOST_TAGS
from .readonly import ContentAdmin
from .reason import back, is_open
from .transcript import Transcript

SUGGESTED = {"list": "chat-tags", "autocomplete": "off", "size": 14}


class TagForm(forms.Form):
    tag = forms.CharField(max_length=NAME_LENGTH, widget=forms.TextInput(attrs=SUGGESTED))


class TagActionForm(ActionForm):
    """Beside the actions, for those that want a tag."""

    tag = forms.CharField(
        label=gettext_lazy("Tag:"),
        max_length=NAME_LENGTH,
        required=False,
        widget=forms.TextInput(attrs=SUGGESTED),
    )


class NoteForm(forms.Form):
    text = forms.CharField(max_length=NOTE_LENGTH)
    message = forms.UUIDField(required=False)


class MarkedAdmin(ContentAdmin):
    """Conversations that are flagged, tagged, and noted upon: by whoever may change one."""

    action_form = TagActionForm

    def get_urls(self) -> list:
        views = {"flag": self.flag_view, "tag": self.tag_view, "note": self.note_view}
        return [
            *(
                path(
                    f"<uuid:object_id>/{name}/",
                    self.admin_site.admin_view(require_POST(view)),
                    name=f"chat_conversation_{name}",
                )
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]

    def has_mark_permission(self, request: HttpRequest) -> bool:
        change = get_permission_codename("change", self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{change}")

    def marks(
        self, request: HttpRequest, conversation: Conversation, read: Transcript, *, readable: bool
    ) -> dict:
        """For a conversation's page. Notes may quote what was said: without reading, only how many
        there are."""
        may_mark = self.has_mark_permission(request) and conversation.deleted is None
        notes = conversation.notes.filter(message=None)
        if readable:
            prefetch_related_objects([turn.message for turn in read.turns], "notes")
        return {
            "may_mark": may_mark,
            "known_tags": Tag.objects.all()[:MOST_TAGS] if may_mark else [],
            "notes": notes if readable else [],
            "hidden_notes": 0 if readable else conversation.notes.count(),
            "longest_note": NOTE_LENGTH,
            "longest_tag": NAME_LENGTH,
        }

    def changelist_view(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        known = Tag.objects.all()[:MOST_TAGS] if self.has_mark_permission(request) else []
        return super().changelist_view(request, {"known_tags": known} | (extra_context or {}))

    def _marked(self, request: HttpRequest, id: UUID) -> Conversation:
        """The conversation to be marked, held: it is not deleted meanwhile."""
        if not self.has_mark_permission(request):
            raise PermissionDenied
        rows = Conversation.objects.alive().select_for_update(no_key=True)
        return get_object_or_404(rows.defer("title"), id=id)

    # A flag

    @transaction.atomic
    def flag_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Flag the conversation (`on`), or no longer."""
        self._flag(request, self._marked(request, object_id), "on" in request.POST)
        return back(request, "conversation", object_id)

    @admin.action(permissions=["mark"], description=gettext_lazy("Flag"))
    def flag_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Flag those that are not deleted, and log each, as do the actions below."""
        self._tell(request, sum(self._flag(request, one, True) for one in queryset.alive()))

    @admin.action(permissions=["mark"], description=gettext_lazy("Remove the flag"))
    def unflag_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._tell(request, sum(self._flag(request, one, False) for one in queryset.alive()))

    def _flag(self, request: HttpRequest, conversation: Conversation, on: bool) -> bool:
        """False if it was so already."""
        rows = Conversation.objects.alive().filter(id=conversation.id, flagged__isnull=on)
        with transaction.atomic():
            changed = bool(rows.update(flagged=timezone.now() if on else None))
            if changed:
                note = _("Flagged it.") if on else _("Removed the flag.")
                self.log_change(request, conversation, note)
        return changed

    # Tags

    @transaction.atomic
    def tag_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Add a tag by its name (`tag`), or remove one (`remove`)."""
        conversation = self._marked(request, object_id)
        if "remove" in request.POST:
            self._untag(request, conversation, Tag.objects.called(request.POST["remove"]))
        else:
            form = TagForm(request.POST)
            if form.is_valid():
                self._tag(request, conversation, Tag.objects.make(form.cleaned_data["tag"]))
            else:
                self.message_user(request, _("Write a tag first."), messages.ERROR)
        return back(request, "conversation", object_id)

    @admin.action(permissions=["mark"], description=gettext_lazy("Add the tag"))
    def tag_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        name = request.POST.get("tag", "").strip()
        if name:
            tag = Tag.objects.make(name)
            self._tell(request, sum(self._tag(request, one, tag) for one in queryset.alive()))
        else:
            self.message_user(request, _("Write a tag first."), messages.ERROR)

    @admin.action(permissions=["mark"], description=gettext_lazy("Remove the tag"))
    def untag_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        tag = Tag.objects.called(request.POST.get("tag", ""))
        self._tell(request, sum(self._untag(request, one, tag) for one in queryset.alive()))

    def _tag(self, request: HttpRequest, conversation: Conversation, tag: Tag) -> bool:
        """False if it has it already, or is deleted meanwhile."""
        if tag.conversations.filter(id=conversation.id).exists():
            return False
        with transaction.atomic():
            if not Conversation.objects.alive().hold(conversation.id):
                return False
            conversation.tags.add(tag)
            note = _("Added the tag “%(tag)s”.") % {"tag": tag.name}
            self.log_change(request, conversation, note)
        return True

    def _untag(self, request: HttpRequest, conversation: Conversation, tag: Tag | None) -> bool:
        """False if it does not have it."""
        if tag is None or not tag.conversations.filter(id=conversation.id).exists():
            return False
        with transaction.atomic():
            conversation.tags.remove(tag)
            note = _("Removed the tag “%(tag)s”.") % {"tag": tag.name}
            self.log_change(request, conversation, note)
        return True

    def _tell(self, request: HttpRequest, changed: int) -> None:
        said = ngettext(
            "%(n)d conversation is changed.", "%(n)d conversations are changed.", changed
        )
        nothing = _("They are so already.")
        level = messages.SUCCESS if changed else messages.INFO
        self.message_user(request, said % {"n": changed} if changed else nothing, level)

    # Notes

    @transaction.atomic
    def note_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Write a note, on a message or on all of it, or delete one's own (`delete`)."""
        conversation = self._marked(request, object_id)
        if not is_open(request, conversation):
            raise PermissionDenied
        if "delete" in request.POST:
            return self._delete_note(request, conversation, request.POST["delete"])
        form = NoteForm(request.POST)
        if not form.is_valid():
            self.message_user(request, _("Write a note first."), messages.ERROR)
            return back(request, "conversation", object_id)
        message, about = None, _("Wrote a note.")
        if id := form.cleaned_data["message"]:
            message = get_object_or_404(conversation.messages.only("seq", "conversation"), id=id)
            about = _("Wrote a note on message %(seq)d.") % {"seq": message.seq}
        Note.objects.create(
            conversation=conversation,
            message=message,
            author=request.user,
            author_name=request.user.get_username(),
            text=form.cleaned_data["text"],
        )
        self.log_change(request, conversation, about)
        return back(request, "conversation", object_id, f"m-{message.id}" if message else "marks")

    def _delete_note(
        self, request: HttpRequest, conversation: Conversation, id: str
    ) -> HttpResponse:
        mine = conversation.notes.filter(author=request.user)
        note = get_object_or_404(mine, pk=int(id) if id.isdecimal() and len(id) < 19 else None)
        note.delete()
        self.log_change(request, conversation, _("Deleted a note."))
        anchor = f"m-{note.message_id}" if note.message_id else "marks"
        return back(request, "conversation", conversation.id, anchor)


def flag_chip() -> SafeString:
    return format_html('<span class="chat-chip chat-chip-flagged">{}</span>', _("Flagged"))


def tag_chips(conversation: Conversation) -> SafeString:
    """The tags, as a list has them; select them with the conversations."""
    return format_html_join(
        "", ' <span class="chat-tag">{}</span>', ((tag,) for tag in conversation.tags.all())
    )
