"""The start of the administration: redirects to the first page that the actor may open."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.views.decorators.http import require_safe

from eclectyc.kernel.errors import Forbidden
from eclectyc.web.navigation import sections_for
from eclectyc.web.security import actor_of


@require_safe
def start(request: HttpRequest) -> HttpResponseRedirect:
    """Redirect, or refuse if the actor may open none of the pages."""
    sections = sections_for(actor_of(request))
    if not sections:
        raise Forbidden("You don't have access to the administration.", "Ask an administrator of your organisation.")
    return HttpResponseRedirect(sections[0].address)
