"""``/reports/consumption``: how much, where, compared with when?"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from eclectyc.analytics.readings import today_in
from eclectyc.audit.record import record
from eclectyc.batches.own_lake import require_own_lake
from eclectyc.web import report
from eclectyc.web.clock import house_zone
from eclectyc.web.security import actor_of
from eclectyc.web.spreadsheet import csv_response


@require_safe
def consumption(request: HttpRequest) -> HttpResponse:
    """Show the report, or hand it out as CSV."""
    today = today_in(house_zone())
    asked = report.defaults(today) | {name: value for name in request.GET if (value := request.GET.get(name, ""))}
    form = report.ReportForm(asked)
    kept = {name: value for name, value in asked.items() if name in form.fields}
    context: dict[str, object] = {"form": form, "spans": report.spans(today, kept), "kept": kept}
    if not form.is_valid():
        return render(request, "web/consumption.html", context, status=400)
    actor = actor_of(request)
    if asked.get("format") == "csv":
        require_own_lake()
    answer = report.report_for(actor, form.cleaned_data, today)
    if asked.get("format") == "csv":
        own = sorted(actor.own_organisations())
        record(
            actor.by,
            "export.consumption",
            organisation_id=own[0] if len(own) == 1 else None,
            after={"form": {name: str(value) for name, value in form.cleaned_data.items() if value}},
        )
        return csv_response(report.csv_rows(answer), report.file_name(answer))
    return render(request, "web/consumption.html", context | {"report": answer, "chart": report.chart_of(answer)})
