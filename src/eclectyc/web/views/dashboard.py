"""``/``: how is the estate doing, and what needs me today?"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from eclectyc.analytics.estate import estate_overview
from eclectyc.analytics.readings import today_in
from eclectyc.intake.feeds.models import Feed
from eclectyc.web import overview as present
from eclectyc.web.clock import house_zone
from eclectyc.web.security import actor_of


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show the estate, or how to begin."""
    actor = actor_of(request)
    today = today_in(house_zone())
    overview = estate_overview(actor, today)
    feeds = present.feed_attention(list(Feed.objects.visible_to(actor).filter(is_active=True).with_failures()))
    if not overview.meters:
        return render(request, "web/dashboard_empty.html", {"attention": feeds})
    context = {
        "overview": overview,
        "sentence": present.sentence(overview),
        "periods": present.periods(overview),
        "trend": present.trend_chart(overview),
        "attention": feeds + present.attention(overview.remarks),
        "more_attention": max(0, len(overview.remarks) - present.MOST_REMARKS),
        "sites": present.top_sites(overview),
        "utilities": present.utilities(overview),
    }
    return render(request, "web/dashboard.html", context)
