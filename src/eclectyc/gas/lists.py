"""The regions of an organisation: their calorific values, and the gas days on which volumes need one."""

from __future__ import annotations

from datetime import date, timedelta

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.estate.models import Quantity, Series, Site, Utility
from eclectyc.external import summaries
from eclectyc.external.outside_facts import place_key
from eclectyc.external.summaries import PlaceSummary
from eclectyc.gas.calorific_values import CALORIFIC_VALUE
from eclectyc.gas.regions import usual_region
from eclectyc.lake.store import connect


def regions(actor: Actor, organisation: Organisation) -> list[PlaceSummary]:
    """Return the regions of which values are known, or which volumes depend on."""
    names, needed = _needed(actor, organisation)
    return summaries.places(actor, CALORIFIC_VALUE, organisation, names=names, needed=needed)


def _needed(actor: Actor, organisation: Organisation) -> tuple[dict[str, str], dict[str, tuple[date, date]]]:
    """Return the regions of volumes by key: their names, and the first and last gas day of the volumes."""
    usual = usual_region(organisation)
    sites = Site.objects.visible_to(actor).filter(organisation=organisation).order_by().values("pk")
    of_gas = Series.objects.filter(
        quantity=Quantity.VOLUME,
        unit="m3",
        is_primary=True,
        meter__utility=Utility.GAS,
        meter__formula="",
        meter__site__in=sites,
    )
    region = dict(of_gas.order_by().values_list("pk", "meter__site__gas_region"))
    names: dict[str, str] = {}
    needed: dict[str, tuple[date, date]] = {}
    for series, first, last in connect().span(list(region)).iter_rows() if region else ():
        name = region[series] or usual
        key = place_key(name)
        names.setdefault(key, name)
        known = needed.get(key, (first, last))
        needed[key] = (min(known[0], first - timedelta(days=1)), max(known[1], last))
    return names, needed
