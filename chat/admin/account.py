from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import AbstractBaseUser, User
from django.db.models import QuerySet
from django.http import HttpRequest

from chat.replies import tree


class AccountAdmin(UserAdmin):
    """Django's own page of accounts; who is deleted goes as they would by themselves."""

    def delete_model(self, request: HttpRequest, obj: AbstractBaseUser) -> None:
        tree.forget(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        for user in queryset:
            tree.forget(user)


# A team with another model of accounts has its own page for it.
if admin.site.is_registered(User):
    admin.site.unregister(User)
    admin.site.register(User, AccountAdmin)
