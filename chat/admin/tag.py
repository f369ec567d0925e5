from django.contrib import admin

from chat.models import Tag


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    """The tags there are: to rename one, or to take it from every conversation at once."""

    search_fields = ("name",)
    show_full_result_count = False
