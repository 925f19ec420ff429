"""``/admin/calorific-values``: calorific values by region and month, with gaps; added by file and by hand."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.estate.checks import day_required
from eclectyc.external import summaries
from eclectyc.external.files import ValueFileReport, import_values
from eclectyc.external.gaps import runs_in_words
from eclectyc.external.summaries import PlaceSummary
from eclectyc.external.values import StoredValues, remove_value, store_values
from eclectyc.gas import lists
from eclectyc.gas.calorific_values import CALORIFIC_VALUE, EDIT
from eclectyc.gas.models import CalorificValue
from eclectyc.gas.regions import usual_region
from eclectyc.gas.service import set_usual_region
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.plurals import counted
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import Cell, Row
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.page import ActionRow, Button, Table, done, number_in, organisations_for, show

LARGEST_FILE: Final = 5 * 1024 * 1024  # [bytes]
_REGION: Final = Field("region", "Region", help="Such as an LDZ (optional, default the organisation's region).")


def values(request: HttpRequest) -> HttpResponse:
    """Show the values of an organisation's regions; POST adds or deletes values."""
    actor = actor_of(request)
    organisations = organisations_for(actor, EDIT)
    asked = number_in(request.GET.get("organisation", ""))
    owner = next((one for one in organisations if one.pk == asked), organisations[0] if organisations else None)
    if owner is None:
        raise Http404
    forms, report = _forms(owner), None
    if request.method == "POST":
        answer = _act(request, actor, owner, forms)
        if isinstance(answer, HttpResponse):
            return answer
        report = answer
    found = lists.regions(actor, owner)
    chosen = _chosen(found, request.GET.get("region"))
    context: dict[str, Any] = {
        "forms": forms,
        "report": report,
        "regions": _regions(owner, found, asked),
        "missing": [one.gaps.words() for one in found if one.gaps],
        "months": _months(actor, owner, chosen) if chosen else None,
        "days": _days(actor, owner, chosen, request.GET.get("month", "")) if chosen else None,
        "owner": owner,
        "organisations": organisations if len(organisations) > 1 else [],
        "sub": "Energy content of gas, by region and day. It converts volumes to kWh.",
    }
    status = max(form.status for form in forms.values())
    return show(request, "calorific", "Calorific values", context, status=status)


def _forms(owner: Organisation) -> dict[str, Form]:
    return {
        "file": Form.from_values(
            (Field("file", "File", "file", help="CSV with date, calorific_value and unit; at most 5 MB."), _REGION),
            {},
            "file",
        ),
        "value": Form.from_values(
            (
                Field("day", "Gas day", "date", is_required=True),
                Field("value", "Calorific value [MJ/m³]", help="For example 39.47333.", is_required=True),
                _REGION,
            ),
            {},
            "value",
        ),
        "usual": Form.from_values(
            (
                Field(
                    "region", "Default region", help="For sites without their own; blank if there is only one region."
                ),
            ),
            {"region": usual_region(owner)},
            "usual",
        ),
    }


def _act(
    request: HttpRequest, actor: Actor, owner: Organisation, forms: dict[str, Form]
) -> HttpResponse | ValueFileReport | None:
    do, here = request.POST.get("do", ""), request.get_full_path()
    if do == "remove":
        value = CalorificValue.objects.visible_to(actor, EDIT).select_related("organisation")
        found = value.filter(pk=number_in(request.POST.get("of", "")), organisation=owner).first()
        if found is None:
            raise Http404
        remove_value(actor, CALORIFIC_VALUE, value=found)
        return done(request, f"The value of {found.day} was deleted.", here)
    if do not in forms:
        forms["value"].refuse(Invalid("No action was selected.", "Use one of the forms."))
        return None
    form = forms[do] = Form.from_post(forms[do].fields, request.POST, do)
    if do == "file":
        return _take_file(request, actor, owner, form)
    if do == "usual":
        set_it = form.attempt(lambda: set_usual_region(actor, organisation=owner, region=form["region"]))
        return done(request, "The default region was saved.", here) if form.is_good and set_it is None else None
    stored = form.attempt(lambda: _store(actor, owner, form))
    if stored is None:
        return None
    return done(request, f"The value was saved; recalculating {counted(stored.meters, 'meter')}.", here)


def _store(actor: Actor, owner: Organisation, form: Form) -> StoredValues:
    values = {day_required("day", form["day"]): form["value"]}
    return store_values(
        actor, CALORIFIC_VALUE, organisation=owner, place=form["region"], values=values, source="by hand"
    )


def _take_file(
    request: HttpRequest, actor: Actor, owner: Organisation, form: Form
) -> HttpResponse | ValueFileReport | None:
    sent = request.FILES.get("file")
    if sent is None or not sent.size:
        form.refuse(Invalid("No file was chosen.", "Choose a file.", field="file"))
        return None
    if sent.size > LARGEST_FILE:
        form.refuse(Invalid("The file is larger than 5 MB.", "Split it.", field="file"))
        return None
    folder = settings.HOME / "tmp"
    folder.mkdir(exist_ok=True, mode=0o700)
    name = Path(sent.name or "values.csv").name
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".csv.gz" if name.endswith(".gz") else ".csv") as kept:
        for chunk in sent.chunks():
            kept.write(chunk)
        kept.flush()
        report = form.attempt(
            lambda: import_values(
                actor, CALORIFIC_VALUE, organisation=owner, path=Path(kept.name), place=form["region"], name=name
            )
        )
    if report is None or report.errors:
        if report is not None:
            form.status = 422 if not report.accepted else 200
        return report
    message = f"{name}: {report.added:,} added, {report.changed:,} corrected, {report.unchanged:,} unchanged."
    return done(request, " ".join([message, *report.warnings]), request.get_full_path())


def _chosen(found: list[PlaceSummary], key: str | None) -> PlaceSummary | None:
    if key is not None:
        return next((one for one in found if one.key == key), None)
    return found[0] if len(found) == 1 else None


def _regions(owner: Organisation, found: list[PlaceSummary], asked: int) -> Table:
    own = {"organisation": owner.pk} if asked else {}
    rows = [
        Row(
            [
                Cell(one.name or "no named region", "?" + urlencode(own | {"region": one.key})),
                Cell(f"{one.known:,}", is_number=True),
                Cell(str(one.first or "–")),
                Cell(str(one.last or "–")),
                Cell(runs_in_words(one.gaps.runs) if one.gaps else "", mark=""),
            ]
        )
        for one in found
    ]
    columns = ("Region", "Days known", "From", "To", "Missing days")
    return Table("Regions", columns, rows, "No calorific values are known yet.", numbers=("Days known",))


def _months(actor: Actor, owner: Organisation, region: PlaceSummary) -> Table:
    rows = [
        Row(
            [
                Cell(
                    f"{one.month:%B %Y}",
                    "?"
                    + urlencode({"organisation": owner.pk, "region": region.key, "month": f"{one.month:%Y-%m}"})
                    + "#days",
                ),
                Cell(f"{one.known} of {one.slots}", is_number=True),
                Cell("–" if one.least is None else f"{one.least.normalize():f}", is_number=True),
                Cell("–" if one.greatest is None else f"{one.greatest.normalize():f}", is_number=True),
                Cell(runs_in_words(one.gaps)),
            ]
        )
        for one in summaries.months(actor, CALORIFIC_VALUE, owner, region)
    ]
    numbers = ("Days known", "Least", "Greatest")
    name = f"Months of {region.name}" if region.name else "Months"
    return Table(name, ("Month", *numbers, "Gaps"), rows, "No month has a value.", numbers=numbers)


def _days(actor: Actor, owner: Organisation, region: PlaceSummary, text: str) -> Table | None:
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    rows = [
        ActionRow(
            [Cell(str(one.day)), Cell(f"{one.mj_per_m3.normalize():f}", is_number=True), Cell(one.source)],
            one.pk,
            (Button("Delete", "remove"),),
        )
        for one in summaries.month_values(actor, CALORIFIC_VALUE, owner, region.key, month)
    ]
    own = "?" + urlencode({"organisation": owner.pk, "region": region.key, "month": text})
    return Table(
        f"Days of {month:%B %Y}",
        ("Gas day", "MJ/m³", "Source"),
        rows,
        "No day of this month has a value.",
        buttons=True,
        action=reverse("admin-calorific") + own,
        numbers=("MJ/m³",),
    )
