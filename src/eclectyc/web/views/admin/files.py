"""Lists of sites and meters as files: export as CSV and XLSX, import after a test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from eclectyc.estate import lists
from eclectyc.kernel.errors import Forbidden, Invalid
from eclectyc.kernel.plurals import counted
from eclectyc.reports import registry
from eclectyc.reports.sheets import FORMS, Row, csv_parts, xlsx
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import ListQuery
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin import meters, sites
from eclectyc.web.views.admin.page import done, organisation_field, organisations_for, show

LARGEST_FILE: Final = 20 * 1024 * 1024  # [bytes]
ENDINGS: Final = (".csv", ".txt", ".xlsx", ".gz")


@require_safe
def export_sites(request: HttpRequest) -> HttpResponseBase:
    """Answer with the sites of the list's filter as a file."""
    wanted = sites.filter_in(ListQuery(request.GET, [*lists.SITE_SORTS], "name"))
    return _file(request, "sites", registry.site_rows(actor_of(request), wanted))


@require_safe
def export_meters(request: HttpRequest) -> HttpResponseBase:
    """Answer with the meters of the list's filter as a file."""
    wanted = meters.filter_in(ListQuery(request.GET, [*lists.METER_SORTS], "identifier"))
    return _file(request, "meters", registry.meter_rows(actor_of(request), wanted))


def import_sites(request: HttpRequest) -> HttpResponse:
    """Import a list of sites, after a test."""
    return _import(request, "sites")


def import_meters(request: HttpRequest) -> HttpResponse:
    """Import a list of meters, after a test."""
    return _import(request, "meters")


def _file(request: HttpRequest, name: str, rows: Iterable[Row]) -> HttpResponseBase:
    form = request.GET.get("format", "csv")
    if form not in FORMS:
        raise Invalid(f"There is no format {form[:20]!r}.", "Use csv or xlsx.", field="format")
    response: HttpResponseBase
    if form == "xlsx":
        response = HttpResponse(xlsx(rows, name), content_type=FORMS[form])
    else:
        parts = iter(csv_parts(rows))
        first = next(parts)  # errors are raised before the answer begins
        response = StreamingHttpResponse(chain([first], parts), content_type=FORMS[form])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


def _import(request: HttpRequest, kind: str) -> HttpResponse:
    from eclectyc.intake.import_options import ImportOptions
    from eclectyc.intake.service import import_file

    actor = actor_of(request)
    if not actor.may_somewhere("imports.run"):
        raise Forbidden("You don't have access to imports.", "Ask an administrator of your organisation.")
    organisations = organisations_for(actor, "imports.run")
    fields = (
        organisation_field(organisations),
        Field("file", f"File of {kind}", "file", help="CSV or XLSX with one heading line; at most 20 MB."),
        Field("store", "Save the rows. Without this tick the file is only tested", "check"),
    )
    start = {"organisation": organisations[0].pk if organisations else ""}
    form = Form.from_post(fields, request.POST) if request.method == "POST" else Form.from_values(fields, start)
    report = None
    if request.method == "POST":
        own = next((o for o in organisations if str(o.pk) == form["organisation"]), None)
        options = ImportOptions(type=kind, dry_run=form["store"] != "true")
        sent = request.FILES.get("file")
        if own is None:
            form.refuse(Invalid("Choose an organisation.", field="organisation"))
        elif sent is None or (sent.size or 0) > LARGEST_FILE:
            form.refuse(Invalid("Choose a file of at most 20 MB.", field="file"))
        else:
            ending = next((e for e in ENDINGS if str(sent.name).lower().endswith(e)), ".csv")
            folder = Path(settings.HOME) / "tmp"
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, suffix=ending) as kept:
                for chunk in sent.chunks():
                    kept.write(chunk)
                kept.flush()
                report = form.attempt(
                    lambda: import_file(actor, organisation=own, path=Path(kept.name), options=options)
                )
            if report is not None and not report.dry_run and not report.errors:
                message = f"Imported {report.accepted:,} of {counted(report.rows, 'row')}."
                return done(request, message, reverse(f"admin-{kind}"))
    context = {
        "form": form,
        "report": report,
        "kind": kind,
        "back": reverse(f"admin-{kind}"),
        "has_files": True,
        "button": "Upload",
        "crumbs": [(kind.capitalize(), reverse(f"admin-{kind}"))],
        "columns": registry.SITE_COLUMNS if kind == "sites" else registry.METER_COLUMNS,
    }
    return show(request, "import", f"Import {kind}", context, status=form.status)
