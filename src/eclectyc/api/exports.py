"""Lists of sites and meters as files that can be imported again."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Literal

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Query, Router

from eclectyc.api import meters, sites
from eclectyc.api.authentication import actor_of
from eclectyc.api.estate_schemas import SiteList
from eclectyc.api.requests import ONE
from eclectyc.api.schemas import MeterList
from eclectyc.reports import registry
from eclectyc.reports.sheets import FORMS, Row, csv_parts, xlsx

router = Router(tags=["estate"])
Form = Literal["csv", "xlsx"]
_FILES = {"responses": {200: {"content": {form: {"schema": {"type": "string"}} for form in FORMS.values()}}}}


class SiteExport(SiteList):
    format: Form = "csv"


class MeterExport(MeterList):
    format: Form = "csv"


@router.get("/exports/sites", response={200: str, **ONE}, summary="Sites as a file", openapi_extra=_FILES)
def export_sites(request: HttpRequest, asked: Query[SiteExport]) -> HttpResponse:
    """All sites of the filter, as CSV or XLSX; page and order are ignored."""
    actor = actor_of(request)
    return file_of(registry.site_rows(actor, sites.filter_of(actor, asked)), "sites", asked.format)


@router.get("/exports/meters", response={200: str, **ONE}, summary="Meters as a file", openapi_extra=_FILES)
def export_meters(request: HttpRequest, asked: Query[MeterExport]) -> HttpResponse:
    """All meters of the filter, as CSV or XLSX; page and order are ignored."""
    actor = actor_of(request)
    return file_of(registry.meter_rows(actor, meters.filter_of(actor, asked)), "meters", asked.format)


def file_of(rows: Iterable[Row], name: str, form: Form) -> HttpResponse:
    """Return rows as a download."""
    if form == "xlsx":
        response = HttpResponse(xlsx(rows, name), content_type=FORMS[form])
    else:
        parts = iter(csv_parts(rows))
        first = next(parts)  # errors are raised before the answer begins
        response = StreamingHttpResponse(chain([first], parts), content_type=FORMS[form])  # type: ignore[assignment]
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response
