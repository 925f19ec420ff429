"""A site's metrics with dates: beds, occupants, £ of works. What there was when is never written over."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.audit.record import record
from eclectyc.estate import checks
from eclectyc.estate.changes import hold, touch
from eclectyc.estate.checks import Check
from eclectyc.estate.fields import first_fault
from eclectyc.estate.models import Measure, Site, SiteMetric
from eclectyc.kernel.errors import Conflict, Invalid

_FIELDS: Final[dict[str, Check]] = {
    "name": checks.required,
    "unit": checks.text,
    "measure": checks.choice,
    "value": checks.decimal,
    "since": checks.day_required,
    "until": checks.day,
}


def add_metric(
    actor: Actor,
    *,
    site: Site,
    name: str,
    value: Decimal | str,
    since: date | str,
    until: date | str | None = None,
    unit: str = "",
    measure: str = Measure.LEVEL,
    version: int | None = None,
) -> SiteMetric:
    """Write a metric of a site down. A level that was open ends where the new one begins."""
    given = {"name": name, "value": value, "since": since, "until": until, "unit": unit, "measure": measure}
    metric = SiteMetric(site=site, **_checked(given))
    with transaction.atomic():
        hold(site, version)
        actor.require("estate.edit", site.place)
        _refuse_faults(metric)
        _make_room(metric, closes=True)
        metric.save()
        touch(site)
        _tell(actor, "site.metric_added", metric, {}, _told(metric))
    return metric


def update_metric(actor: Actor, *, metric: SiteMetric, version: int | None = None, **fields: Any) -> SiteMetric:
    """Correct a metric that was written down wrongly."""
    checked = _checked(fields)
    with transaction.atomic():
        site = metric.site
        hold(site, version)
        actor.require("estate.edit", site.place)
        metric.refresh_from_db()
        before = _told(metric)
        for name, value in checked.items():
            setattr(metric, name, value)
        _refuse_faults(metric)
        _make_room(metric, closes=False)
        if _told(metric) != before:
            metric.save()
            touch(site)
            _tell(actor, "site.metric_changed", metric, before, _told(metric))
    return metric


def delete_metric(actor: Actor, *, metric: SiteMetric, version: int | None = None) -> None:
    """Take a metric out."""
    with transaction.atomic():
        site = metric.site
        hold(site, version)
        actor.require("estate.edit", site.place)
        touch(site)
        _tell(actor, "site.metric_deleted", metric, _told(metric), {})
        metric.delete()


def metric_on(site: Site, name: str, day: date) -> SiteMetric | None:
    """Return a site's metric of a name that holds on a day."""
    for metric in site.metrics.all():
        if (
            metric.name.casefold() == name.casefold()
            and metric.since <= day
            and (not metric.until or day < metric.until)
        ):
            return metric
    return None


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    strange = sorted(set(fields) - set(_FIELDS))
    if strange:
        raise Invalid(f"There is no field {strange[0][:60]!r}.", f"Use: {', '.join(_FIELDS)}.", field=strange[0])
    return {name: _FIELDS[name](name, value) for name, value in fields.items()}


def _refuse_faults(metric: SiteMetric) -> None:
    fault = first_fault(metric)
    if fault is not None:
        raise fault
    if metric.until is not None and metric.until <= metric.since:
        raise Invalid("It ends before it begins.", "Give an end after the beginning.", field="until")
    if metric.measure == Measure.AMOUNT and metric.until is None:
        raise Invalid("An amount comes together over a span.", "Give its end.", field="until")
    if metric.unit in ("£", "€", "$") and metric.value != round(metric.value, 2):
        raise Invalid(f"{metric.value} is more exact than a penny.", "Give two decimals.", field="value")


def _make_room(metric: SiteMetric, *, closes: bool) -> None:
    """Refuse a metric that overlaps another of its name; a level left open may be closed by it."""
    others = [m for m in metric.site.metrics.all() if m.pk != metric.pk and m.name.casefold() == metric.name.casefold()]
    for other in others:
        ends = metric.until or date.max
        if other.since >= ends or (other.until or date.max) <= metric.since:
            continue
        if closes and other.until is None and other.since < metric.since and other.measure == Measure.LEVEL:
            other.until = metric.since
            other.save(update_fields=["until"])
            continue
        until = f"to {other.until}" if other.until else "on"
        raise Conflict(f"{other.name} is there from {other.since} {until}.", "Change that one, or choose other days.")


def _told(metric: SiteMetric) -> dict[str, Any]:
    return {name: getattr(metric, name) for name in _FIELDS}


def _tell(actor: Actor, action: str, metric: SiteMetric, before: dict[str, Any], after: dict[str, Any]) -> None:
    told = {"metric": metric.pk}
    site = metric.site
    record(actor.by, action, site, organisation_id=site.organisation_id, before=told | before, after=told | after)
