from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat import words
from chat.models import Conversation, bring_in, find
from chat.text import clean

from .visitor import person

PAGE = 50  # conversations
MOST = 500
INDEXING_SECONDS = 1.0  # of a request


@never_cache
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """What the person's conversations have of `?q=`; `?n=` is how many of them to show."""
    user = person(request, may_be_new=False)
    if user is None:
        return redirect_to_login(request.get_full_path())
    asked = clean(request.GET.get("q", ""))[: words.ASKED]
    query = words.asked(asked)
    n = request.GET.get("n", "")
    at_most = min(max(int(n), PAGE), MOST) if n.isdecimal() and len(n) < 5 else PAGE
    context = {"asked": asked, "longest": words.ASKED, "most": MOST}
    if not query.phrases:
        context["state"] = "unclear" if asked.strip() else "empty"
    elif query.is_too_short:
        context["state"] = "short"
    else:
        mine = Conversation.objects.owned_by(user)
        context["behind"] = not bring_in(mine, seconds=INDEXING_SECONDS)
        context["found"], more = find(user, query, at_most=at_most)
        context["state"] = "found" if context["found"] else "nothing"
        context["more"] = more
        context["next"] = at_most + PAGE if more and at_most < MOST else None
    page = render(request, "chat/search.html", context)
    # The words stand in the address, which no log between here and the browser is to be told.
    page["Referrer-Policy"] = "strict-origin"
    return page
