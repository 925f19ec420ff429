"""Sites and meters as files: out as CSV and XLSX, in after a trial."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from eclectyc.audit.record import record
from eclectyc.estate import hours, lists
from eclectyc.estate.models import Meter, Site
from eclectyc.kernel.errors import Forbidden, Invalid
from eclectyc.web.forms import Field, Form
from eclectyc.web.listing import Asked
from eclectyc.web.security import actor_of
from eclectyc.web.spreadsheet import csv_response, safe
from eclectyc.web.views.admin import meters, sites
from eclectyc.web.views.admin.showing import done, organisation_field, organisations_for, show

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LARGEST_FILE: Final = 20 * 1024 * 1024  # [bytes]
ENDINGS: Final = (".csv", ".txt", ".xlsx", ".gz")
SITE_COLUMNS: Final = {
    "name": "name", "company": "company", "region": "region__name", "address": "address", "postcode": "postcode",
    "site_type": "site_type", "floor_area_m2": "floor_area_m2", "latitude": "latitude", "longitude": "longitude",
    "timezone": "timezone", "is_active": "is_active", "opening_hours": "opening_hours",
}  # fmt: skip
METER_COLUMNS: Final = {
    "identifier": "identifier", "name": "name", "site": "site__name", "utility": "utility", "direction": "direction",
    "unit": "unit", "step_minutes": "step_minutes", "multiplier": "multiplier", "serial": "serial",
    "parent": "parent__identifier", "supplier": "supplier__name", "installed": "installed", "removed": "removed",
    "is_active": "is_active",
}  # fmt: skip


def export_sites(request: HttpRequest) -> HttpResponse:
    """Answer with the sites of the list's filter as a file."""
    actor = actor_of(request)
    found = lists.found_sites(actor, sites.wanted(Asked(request.GET, [*lists.SITE_SORTS], "name")))
    within = Site.objects.visible_to(actor, "exports.run").order_by().values("pk")
    rows = found.filter(pk__in=within).order_by("name", "pk").values_list(*SITE_COLUMNS.values())
    written = ([*row[:-1], hours.text_of(row[-1])] for row in rows.iterator(2000))
    return _file(request, "sites", [*SITE_COLUMNS], written)


def export_meters(request: HttpRequest) -> HttpResponse:
    """Answer with the meters of the list's filter as a file."""
    actor = actor_of(request)
    found = lists.found_meters(actor, meters.wanted(Asked(request.GET, [*lists.METER_SORTS], "identifier")))
    within = Meter.objects.visible_to(actor, "exports.run").order_by().values("pk")
    rows = found.filter(pk__in=within).order_by("identifier", "pk").values_list(*METER_COLUMNS.values())
    return _file(request, "meters", [*METER_COLUMNS], rows.iterator(2000))


def import_sites(request: HttpRequest) -> HttpResponse:
    """Take a list of sites in, after a trial."""
    return _import(request, "sites")


def import_meters(request: HttpRequest) -> HttpResponse:
    """Take a list of meters in, after a trial."""
    return _import(request, "meters")


def _file(request: HttpRequest, name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    form = request.GET.get("format", "csv")
    if form not in ("csv", "xlsx"):
        raise Invalid(f"There is no format {form[:20]!r}.", "Use csv or xlsx.", field="format")
    plain = [[_plain(cell) for cell in row] for row in rows]
    actor = actor_of(request)
    record(actor.by, f"{name}.exported", after={"rows": len(plain), "format": form})
    if form == "csv":
        return csv_response([heads, *plain], name)
    response = HttpResponse(_workbook(name, heads, plain), content_type=XLSX)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return response


def _plain(cell: object) -> object:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return cell if isinstance(cell, int | float | str) else str(cell)


def _workbook(name: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet(name)
        bold = book.add_format({"bold": True})
        sheet.write_row(0, 0, heads, bold)
        sheet.freeze_panes(1, 1)
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, column, str(safe(cell))[:32_767])
                else:
                    sheet.write_number(number, column, cell)  # type: ignore[arg-type]
        sheet.autofilter(0, 0, 0, len(heads) - 1)
    return out.getvalue()


def _import(request: HttpRequest, kind: str) -> HttpResponse:
    from eclectyc.intake.service import ImportOptions, import_file

    actor = actor_of(request)
    if not actor.may_somewhere("imports.run"):
        raise Forbidden("Your role does not allow imports.", "Ask an administrator of your organisation.")
    organisations = organisations_for(actor, "imports.run")
    fields = (
        organisation_field(organisations),
        Field("file", f"File of {kind}", "file", help="CSV or XLSX with one heading line; at most 20 MB."),
        Field("store", "Store it. Without this tick the file is only tried out", "check"),
    )
    start = {"organisation": organisations[0].pk if organisations else ""}
    form = Form.sent(fields, request.POST) if request.method == "POST" else Form.holding(fields, start)
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
                said = f"The file was taken in: {report.accepted} of {report.rows} rows."
                return done(request, said, reverse(f"admin-{kind}"))
    context = {
        "form": form, "report": report, "kind": kind, "back": reverse(f"admin-{kind}"), "has_files": True,
        "button": "Go", "crumbs": [(kind.capitalize(), reverse(f"admin-{kind}"))],
        "columns": SITE_COLUMNS if kind == "sites" else METER_COLUMNS,
    }  # fmt: skip
    return show(request, "import", f"Import {kind}", context, status=form.status)
