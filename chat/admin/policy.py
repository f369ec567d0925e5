"""Django's admin under the site's content security policy."""

from collections.abc import Callable
from functools import wraps

from csp.decorators import csp_replace
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse

without_trusted_types = csp_replace({"require-trusted-types-for": None, "trusted-types": None})


def lift_trusted_types(site: AdminSite) -> None:
    """Serve the site's pages without trusted types: the admin's own scripts make HTML of strings.

    What else the policy asks for stays. It is done to the site as it is, not in a class of its
    own, so that whoever uses this app keeps the admin site that they have.
    """
    admin_view = site.admin_view

    def lifted(view: Callable, cacheable: bool = False) -> Callable:
        return without_trusted_types(_discreet(admin_view(view, cacheable)))

    site.admin_view = lifted


def _discreet(view: Callable) -> Callable:
    """What an operator searches for stands in the address, which no log of what the page asks for
    next is to be told."""

    @wraps(view)
    def discreet(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Referrer-Policy"] = "strict-origin"
        return response

    return discreet
