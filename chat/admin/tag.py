from collections.abc import Iterable

from django.contrib import admin
from django.http import HttpRequest

from chat.models import Tag


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    """The tags there are: to rename one, or to take it from every conversation at once."""

    search_fields = ("name",)
    show_full_result_count = False

    def get_deleted_objects(
        self, objs: Iterable[Tag], request: HttpRequest
    ) -> tuple[list, dict, set, list]:
        """The tags, and how often they are given. Django would list each time."""
        tags = list(objs)
        given = Tag.conversations.through.objects.filter(tag__in=tags)
        counts = {
            self.opts.verbose_name_plural: len(tags),
            given.model._meta.verbose_name_plural: given.count(),
        }
        lacking = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return [str(tag) for tag in tags], counts, lacking, []
