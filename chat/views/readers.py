from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.models import Access

from .sections import zone_of

PAGE = 50


@never_cache
@require_safe
@login_required
def readers(request: HttpRequest) -> HttpResponse:
    """Which operator has read what of the person, when, and why: `?page=` of that."""
    page = Paginator(Access.objects.owned_by(request.user), PAGE).get_page(request.GET.get("page"))
    return render(request, "chat/readers.html", {"page": page, "zone": zone_of(request.COOKIES)})
