"""Every address: the API's under /api/, the pages' at the root."""

from django.urls import include, path

from eclectyc.api.routes import api

urlpatterns = [
    path("api/", api.urls),
    path("", include("eclectyc.web.urls")),
    path("", include("eclectyc.web.account_urls")),
]

handler400 = "eclectyc.web.errors.bad_request"
handler403 = "eclectyc.web.errors.forbidden"
handler404 = "eclectyc.web.errors.not_found"
handler500 = "eclectyc.web.errors.server_error"
