import re

from django.views.debug import SafeExceptionReporterFilter


class ReportFilter(SafeExceptionReporterFilter):
    """What Django's page about an error (DEBUG=1) hides: also addresses, which have passwords."""

    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern + "|URL|ADDRESS", re.IGNORECASE
    )
