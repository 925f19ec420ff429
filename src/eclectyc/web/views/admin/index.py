"""The front of the administration: it leads to the first of its pages that one may open."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.views.decorators.http import require_safe

from eclectyc.kernel.errors import Forbidden
from eclectyc.web.navigation import sections_of
from eclectyc.web.security import actor_of


@require_safe
def front(request: HttpRequest) -> HttpResponseRedirect:
    """Lead on; whoever administers nothing is told so."""
    sections = sections_of(actor_of(request))
    if not sections:
        raise Forbidden("Your role does not allow this page.", "Ask an administrator of your organisation.")
    return HttpResponseRedirect(sections[0].address)
