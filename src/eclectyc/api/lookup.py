"""Finds what an address names, among what the actor may see."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.api.errors import Ambiguous
from eclectyc.estate.models import Meter
from eclectyc.kernel.errors import NotFound
from eclectyc.kernel.identifiers import clean_identifier

T = TypeVar("T", bound=Model)
# by a push
_NEEDED = (
    "identifier",
    "name",
    "unit",
    "utility",
    "step_minutes",
    "organisation",
    "formula",
    "site__timezone",
    "site__region",
)
_LONGEST_NUMBER = 18  # digits: fits the registry's keys


def name_or_number(text: str, field: str, number: str) -> Q:
    """Return the condition of a name or number."""
    named = Q(**{f"{field}__iexact": text})
    is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return named | Q(**{number: int(text)}) if is_number else named


def organisation_of(actor: Actor, text: str) -> Organisation:
    """Return an organisation of the actor's by name or number."""
    found = Organisation.objects.visible_to(actor).filter(name_or_number(text, "name", "pk")).first()
    if found is None:
        raise NotFound(f"There is no organisation {text!r}.", "Check its name.", field="organisation")
    return found


def organisations_named(actor: Actor, text: str | None) -> tuple[int, ...] | None:
    """Return the organisation of a filter; None if none is named."""
    return None if text is None else (organisation_of(actor, text).pk,)


def numbers_named(visible: QuerySet[T], text: str | None) -> tuple[int, ...] | None:
    """Return the things of a name or number for a filter: an empty list matches nothing, None everything."""
    if text is None:
        return None
    return tuple(visible.filter(name_or_number(text, "name", "pk")).order_by().values_list("pk", flat=True)[:1000])


def sites_named(meters: QuerySet[Meter], text: str | None) -> tuple[int, ...] | None:
    """Return the sites of a name or number at which the actor sees a meter; None matches everything."""
    if text is None:
        return None
    found = meters.filter(name_or_number(text, "site__name", "site_id")).order_by()
    return tuple(found.values_list("site", flat=True).distinct()[:1000])


def meter_of(actor: Actor, text: str, organisation: str | None) -> Meter:
    """Return the one meter with this identifier or, if there is none, with this serial.

    Meters that the actor may not see do not exist. ``organisation`` distinguishes meters of several organisations.
    """
    meters = Meter.objects.visible_to(actor).select_related(
        "site", "site__region", "organisation", "parent", "supplier"
    )
    _refuse_nul(text)
    if organisation is not None:
        meters = meters.filter(organisation=organisation_of(actor, organisation))
    return _only(meters, text)


def meter_to_push(actor: Actor, text: str, organisation: str | None) -> Meter:
    """Return the one meter with this identifier or serial among those that the actor sees or may push to: a token that
    only pushes sees none."""
    _refuse_nul(text + (organisation or ""))
    wanted = [p for p in ("readings.push", "imports.run", "estate.view") if actor.may_somewhere(p)] or ["readings.push"]
    meters = Meter.objects.visible_to(actor, wanted[0])
    for permission in wanted[1:]:
        meters = meters | Meter.objects.visible_to(actor, permission)
    if organisation is not None:
        meters = meters.filter(name_or_number(organisation, "organisation__name", "organisation_id"))
    return _only(meters.select_related("site").only(*_NEEDED), text)


def _refuse_nul(text: str) -> None:
    if "\x00" in text:
        raise _missing(text)


def _missing(text: str) -> NotFound:
    return NotFound(f"There is no meter {text[:80]!r}.", "Check its number.")


def _only(meters: QuerySet[Meter], text: str) -> Meter:
    found = _some(meters, Q(identifier__in={text, clean_identifier(text)})) or _some(meters, Q(serial__iexact=text))
    if not found:
        raise _missing(text)
    if len(found) > 1:
        raise _ambiguous(text, found)
    return found[0]


def _some(meters: QuerySet[Meter], condition: Q) -> list[Meter]:
    return list(meters.filter(condition).order_by("organisation__name", "pk")[:10])


def _ambiguous(text: str, found: list[Meter]) -> Ambiguous:
    names = sorted({meter.organisation.name for meter in found})
    if len(names) > 1:
        return Ambiguous(
            f"Several organisations have a meter {text!r}: {', '.join(names)}.",
            "Name one with ?organisation=.",
            field="organisation",
        )
    identifiers = ", ".join(meter.identifier for meter in found)
    return Ambiguous(f"Several meters have the serial {text!r}: {identifiers}.", "Use one of these identifiers.")
