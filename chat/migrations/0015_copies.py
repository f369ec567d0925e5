"""Back before operators' copies: they would be the operators' own conversations there."""

from django.db import migrations


def discard(apps, schema_editor) -> None:
    apps.get_model("chat", "Conversation").objects.filter(copy_of__isnull=False).delete()


class Migration(migrations.Migration):
    dependencies = [("chat", "0014_arrival")]

    operations = [migrations.RunPython(migrations.RunPython.noop, discard)]
