#!/usr/bin/env python
"""Django's command line: `manage.py runserver`, `manage.py ask "…"`, `manage.py help`."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatproject.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A wrong setting is a sentence for the operator, not a traceback.
        sys.exit(f"Not started: {error}")


if __name__ == "__main__":
    main()
