"""Whoever guesses passwords: counted by django-axes, for the chat's own sign-in and the admin's."""

from axes.handlers.database import AxesDatabaseHandler
from django.db.models import Sum
from django.http import HttpRequest

from chat.models import network_of as network

# By what is counted, as AXES_LOCKOUT_PARAMETERS has it, and how much more each may fail. One limit
# for all would let anybody lock out a person whose name they know, or an office.
PATIENCE = (1, 10, 10)


class Handler(AxesDatabaseHandler):
    def get_failures(self, request: HttpRequest, credentials: dict | None = None) -> int:
        """How often this sign-in has failed, as AXES_FAILURE_LIMIT counts it."""
        counted = self.get_user_attempts(request, credentials)
        return max(
            (attempts.aggregate(sum=Sum("failures_since_start"))["sum"] or 0) // patience
            for attempts, patience in zip(counted, PATIENCE, strict=True)
        )


def network_of(request: HttpRequest) -> str | None:
    """Where a request comes from; of IPv6 the network, whose addresses are one household's."""
    found = network(request.META.get("REMOTE_ADDR"))
    return str(found.network_address) if found else None
