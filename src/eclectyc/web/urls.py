"""Addresses of the pages. Every page but sign-in goes through ``page``, which lets no visitor past."""

from django.urls import URLPattern, path

from eclectyc.web.security import View, open_to_visitors, signed_in
from eclectyc.web.views import audit, dashboard, design, meters, privacy, reads, reports, signin, sites
from eclectyc.web.views.admin.urls import ADDRESSES, PARTS


def page(address: str, view: View, name: str, permission: str = "estate.view") -> URLPattern:
    """Return the address of a page for people who have signed in and have a permission somewhere."""
    return path(address, signed_in(view, permission), name=name)


urlpatterns: list[URLPattern] = [
    path("login", open_to_visitors(signin.SignIn.as_view()), name="login"),
    path("logout", open_to_visitors(signin.SignOut.as_view()), name="logout"),
    page("", dashboard.dashboard, "dashboard"),
    page("sites", sites.sites, "sites"),
    page("sites/<int:pk>", sites.site_page, "site"),
    page("meters", meters.meters, "meters"),
    page("meters/<int:pk>", meters.meter_page, "meter"),
    page("meters/<int:pk>/reads", reads.reads, "reads", "imports.run"),
    page("reports/consumption", reports.consumption, "consumption", "reports.view"),
    page("admin/audit", audit.audit, "audit", "audit.view"),
    page("admin/privacy", privacy.privacy, "privacy", "privacy.run"),
    page("account/privacy", privacy.own_privacy, "own-privacy", ""),
    page("design", design.design, "design"),
    *(page(*address) for address in (*ADDRESSES, *PARTS)),
]
