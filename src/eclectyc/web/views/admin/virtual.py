"""Virtual meters: new and edit, with the meaning of the formula shown while it is typed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.readings import today_in
from eclectyc.derived.virtual.preview import PreviewDay, preview_formula
from eclectyc.estate.fields import checked_meter_fields
from eclectyc.estate.formula.terms import Term, in_words, written
from eclectyc.estate.formula_visibility import visible_formula
from eclectyc.estate.meters import create_meter, warnings_of
from eclectyc.estate.models import Direction, Meter, Site, Utility
from eclectyc.estate.virtual import FormulaMeaning, meaning_of
from eclectyc.kernel.days import WHOLE_DAY, zone_of
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.kernel.plurals import counted
from eclectyc.web.clock import short_day
from eclectyc.web.forms import Field, Form
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.page import Danger, done, number_in, organisation_field, organisations_for, show
from eclectyc.web.views.admin.suggestions import suggestions

OWN: Final = ("identifier", "name", "formula", "utility", "direction", "unit", "is_active", "installed", "removed")
UNITS: Final = ("kWh", "kVArh", "m3", "litre", "kg")
TRIED_DAYS: Final = 7
_HELP: Final = (
    "Add and subtract meters by their identifiers, each multiplied by a number if necessary: "
    'MAIN - "SUB-1" - 0.5 * "SUB-2". For exports or volumes, add the quantity: MAIN.export.'
)
_WITH: Final = "[name='organisation'], [name='site'], [name='unit'], [name='direction'], [name='identifier']"


def fields(number: int | None = None) -> tuple[Field, ...]:
    """Return the fields of a virtual meter. number : of an existing one."""
    at = reverse("formula-check") + (f"?meter={number}" if number else "")
    return (
        Field("identifier", "Identifier", help="A name or number of your own. Must be unique.", is_required=True),
        Field("name", "Name", help="Such as Unmetered or Site usage."),
        Field(
            "formula",
            "Formula",
            "textarea",
            help=_HELP,
            is_required=True,
            is_wide=True,
            rows=3,
            checked_at=at,
            checked_with=_WITH,
        ),
        Field("utility", "Utility", "select", choices=tuple(Utility.choices)),
        Field("direction", "Direction", "select", choices=tuple(Direction.choices)),
        Field("unit", "Unit", suggestions=UNITS, help="The unit of the result; its parts must be in this unit too."),
        Field("is_active", "Active", "check", help="Inactive meters are hidden; their readings are kept."),
        Field("installed", "Valid from (optional)", "date", group="Validity", help="Default: as long as its parts."),
        Field("removed", "Ends before (optional)", "date", group="Validity"),
    )


def initial_values(actor: Actor, one: Meter) -> dict[str, object]:
    """Return the values of a virtual meter for its form."""
    return {name: getattr(one, name) for name in OWN} | {"formula": visible_formula(actor, one).text}


def danger(one: Meter) -> Danger:
    """Return what deleting a virtual meter does."""
    return Danger(
        "Delete this virtual meter",
        "Deletes the virtual meter and its calculated readings; the meters in its formula are not changed. Virtual "
        "meters used in another formula cannot be deleted.",
        f"Delete {one.identifier}",
    )


def new_virtual_meter(request: HttpRequest) -> HttpResponse:
    """Create a virtual meter at a site."""
    actor = actor_of(request)
    organisations = organisations_for(actor, "estate.edit")
    at = Site.objects.visible_to(actor).filter(pk=number_in(request.GET.get("site", ""))).first()
    where = Field(
        "site",
        "Site",
        suggests="site",
        suggestions=suggestions(Site.objects.visible_to(actor), "name"),
        help="Anyone who can see this site sees this meter, but not the meters it uses.",
        is_required=True,
    )
    asked = (organisation_field(organisations), where, *fields())
    own = at.organisation_id if at else organisations[0].pk if organisations else ""
    start = {
        "organisation": own,
        "site": at.name if at else "",
        "utility": Utility.ELECTRICITY,
        "unit": "kWh",
        "direction": Direction.IMPORT,
        "is_active": True,
    }
    form = Form.from_post(asked, request.POST) if request.method == "POST" else Form.from_values(asked, start)
    if request.method == "POST":
        place = _site(actor, form["site"], form["organisation"])
        form.check(checked_meter_fields, form.values(*OWN))
        if place is None:
            form.refuse(Invalid(f"There is no site {form['site'][:80]!r}.", "Choose one from the list.", field="site"))
        if not form["formula"].strip():
            form.refuse(Invalid("The formula is empty.", "Enter one, such as A + B - C.", field="formula"))
        if form.is_good and place is not None:
            made = form.attempt(lambda: create_meter(actor, site=place, **form.values(*OWN)))
            if made is not None:
                message = " ".join(
                    [f"{made.identifier} was created. Its readings are being calculated.", *warnings_of(made)]
                )
                return done(request, message, reverse("meter", args=[made.pk]))
    context = {
        "form": form,
        "back": reverse("admin-meters"),
        "button": "Create virtual meter",
        "crumbs": [("Meters", reverse("admin-meters"))],
    }
    return show(request, "form", "New virtual meter", context, status=form.status)


@dataclass(frozen=True, slots=True)
class PartSummary:
    """A part of a formula, as its check lists it."""

    meter: Meter
    quantity: str
    factor: str


@require_safe
def check(request: HttpRequest) -> HttpResponse:
    """Answer with what a typed formula means: in words, its meters, and its last week."""
    actor = actor_of(request)
    text = " ".join(request.GET.get("formula", "").split())
    context: dict[str, Any] = {}
    try:
        meter = _meant_for(actor, request)
        if text and meter is not None:
            context = _meaning(actor, meter, text)
    except EclectycError as error:
        context = {"error": error}
    return render(request, "web/components/formula_check.html", context)


def _meant_for(actor: Actor, request: HttpRequest) -> Meter | None:
    """Return the meter of the form: an existing one, or a new one that is not saved."""
    number = number_in(request.GET.get("meter", ""))
    if number:
        meter = Meter.objects.visible_to(actor, "estate.edit").select_related("site", "organisation")
        one: Meter | None = meter.filter(pk=number).first()
    else:
        site = _site(actor, request.GET.get("site", ""), request.GET.get("organisation", "")) or _any_site(actor)
        one = Meter(organisation=site.organisation, site=site) if site else None
    if one is not None:
        given = {name: request.GET[name] for name in ("unit", "direction") if request.GET.get(name)}
        for name, value in checked_meter_fields(given).items():
            setattr(one, name, value)
    return one


def _site(actor: Actor, name: str, organisation: str) -> Site | None:
    there = Site.objects.visible_to(actor).select_related("region", "organisation")
    return there.filter(name__iexact=" ".join(name.split()), organisation=number_in(organisation)).first()


def _any_site(actor: Actor) -> Site | None:
    """Return a site of the first organisation, which a formula is checked against before a site is chosen."""
    return Site.objects.visible_to(actor, "estate.edit").select_related("organisation").order_by("pk").first()


def _meaning(actor: Actor, meter: Meter, text: str) -> dict[str, Any]:
    seen = visible_formula(actor, meter) if meter.pk else None
    if seen is not None and seen.hidden and text == seen.text:
        return {"hidden": seen.hidden}
    meant = meaning_of(actor, meter, text)
    today = today_in(zone_of(meter.site.timezone))
    days = preview_formula(meter, meant, today - timedelta(days=TRIED_DAYS), today)
    return {
        "words": _words(meant),
        "parts": [PartSummary(p.meter, p.quantity, written(p.factor).replace("-", "−")) for p in meant.parts],
        "days": [(short_day(one.day), one) for one in days],
        "unit": meter.unit,
        "step": "daily" if meant.step_minutes == WHOLE_DAY else f"every {counted(meant.step_minutes, 'minute')}",
        "lacks": _lacks(days, today),
    }


def _words(meant: FormulaMeaning) -> str:
    """Return a formula in words, with the names of its meters."""
    by_identifier = {part.meter.identifier: part for part in meant.parts}

    def name(term: Term) -> str:
        meter = by_identifier[term.meter].meter
        usual = term.quantity in ("", meter.direction)
        return f"{meter}" if usual else f"{meter} ({term.quantity.replace('_', ' ')})"

    words = in_words([Term(p.meter.identifier, p.factor, p.quantity) for p in meant.parts], name)
    return words[:1].upper() + words[1:]


def _lacks(days: list[PreviewDay], today: date) -> str:
    if any(one.value is not None for one in days):
        return ""
    before = f"In the {counted(len(days), 'day')} before {short_day(today)}"
    return f"{before}, readings of at least one part are missing throughout."
