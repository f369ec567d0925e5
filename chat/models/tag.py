from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

NAME_LENGTH = 40


class TagQuerySet(models.QuerySet):
    def called(self, name: str) -> "Tag | None":
        """The tag of this name, however it is capitalized."""
        return self.filter(name__iexact=one_line(name)).first()

    def make(self, name: str) -> "Tag":
        """The tag of this name; a new one if there is none yet."""
        self.bulk_create([Tag(name=one_line(name))], ignore_conflicts=True)
        return self.called(name)


class Tag(models.Model):
    """An operator's word to sort conversations by. Every operator sees it."""

    name = models.CharField(_("name"), max_length=NAME_LENGTH)

    objects = TagQuerySet.as_manager()

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = [Lower("name")]
        constraints = [models.UniqueConstraint(Lower("name"), name="tag_name_unique")]

    def __str__(self) -> str:
        return self.name


def one_line(name: str) -> str:
    return " ".join(name.split())[:NAME_LENGTH]
