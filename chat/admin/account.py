from collections.abc import Iterable

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_permission_codename
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import AbstractBaseUser, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from chat.models import Conversation, Message, Note, Profile
from chat.replies import tree


class AccountAdmin(UserAdmin):
    """Django's own page of accounts; who is deleted goes as they would by themselves, after it is
    said how much goes with them."""

    delete_confirmation_template = "admin/chat/account/delete_confirmation.html"
    delete_selected_confirmation_template = "admin/chat/account/delete_selected_confirmation.html"

    def delete_model(self, request: HttpRequest, obj: AbstractBaseUser) -> None:
        tree.forget(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        for user in queryset:
            tree.forget(user)

    def get_deleted_objects(
        self, objs: Iterable[AbstractBaseUser], request: HttpRequest
    ) -> tuple[list, dict, set, list]:
        """The accounts, and how much goes with them. Django would load and list each message."""
        people = list(objs)
        links = [
            format_html(
                '<a href="{}">{}</a>', reverse("admin:auth_user_change", args=[one.pk]), one
            )
            for one in people
        ]
        talks = Conversation.objects.going_with(people).with_content()
        amounts = {
            User: len(people),
            Profile: Profile.objects.filter(user__in=people).count(),
            Conversation: talks.count(),
            Message: talks.said(),
            Note: Note.objects.filter(conversation__in=talks).count(),
            LogEntry: LogEntry.objects.filter(user__in=people).count(),
        }
        amounts = {model._meta: amount for model, amount in amounts.items() if amount}
        counts = {meta.verbose_name_plural: amount for meta, amount in amounts.items()}
        lacking = {
            meta.verbose_name
            for meta in amounts
            if meta.model in (User, Profile, Conversation, Message)
            and not request.user.has_perm(
                f"{meta.app_label}.{get_permission_codename('delete', meta)}"
            )
        }
        return links, counts, lacking, []


# A team with another model of accounts has its own page for it.
if admin.site.is_registered(User):
    admin.site.unregister(User)
    admin.site.register(User, AccountAdmin)
