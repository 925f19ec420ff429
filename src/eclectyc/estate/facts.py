"""The facts with dates: a meter's multiplier and volume correction, a site's metrics.

A new one is a model in ``history_models`` and a declaration here; see :class:`DatedFact`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from eclectyc.estate import checks
from eclectyc.estate.dated_facts import DatedFact, FactField, FromDayOn, InSpans, since_field
from eclectyc.estate.fields import first_fault
from eclectyc.estate.models import Correction, Measure, Meter, Multiplier, SiteMetric
from eclectyc.estate.virtual import refuse_if_virtual
from eclectyc.kernel.errors import Invalid

_METRICS: Final = ("Beds", "Occupants", "Works")
_FIRST: Final = "Empty for the first one: it applies from the start."


def _refuse_virtual(meter: Meter) -> None:
    refuse_if_virtual(meter, "multiplier")


MULTIPLIER: Final = DatedFact(
    name="multiplier",
    model=Multiplier,
    owner="meter",
    entries="multipliers",
    fields=(
        FactField("factor", "Multiplier", checks.factor, "number"),
        since_field(change_help=_FIRST),
    ),
    timeline=FromDayOn("multiplier"),
    value="factor",
    label="Multiplier",
    plural="Multipliers",
    about="What a meter's readings are multiplied by, from a day on.",
    note="Readings of earlier days keep the multiplier of their day.",
    empty="Always as it is now.",
    removal="The multiplier before it applies instead.",
    refuse_owner=_refuse_virtual,
)

CORRECTION: Final = DatedFact(
    name="correction",
    model=Correction,
    owner="meter",
    entries="corrections",
    fields=(
        FactField("factor", "Volume correction", checks.correction, "number", help="For example 1.02264."),
        since_field(help="A gas day: from 05:00.", change_help=f"A gas day. {_FIRST}"),
    ),
    timeline=FromDayOn("correction"),
    value="factor",
    label="Volume correction",
    plural="Volume corrections",
    about="What a gas meter's volumes are multiplied by for temperature and pressure, from a gas day on.",
    note="Gas volumes are corrected for temperature and pressure before they become kWh.",
    empty="Always as it is now.",
    removal="The correction before it applies instead.",
    topic="gas",
)


def _refuse_metric(metric: SiteMetric) -> None:
    fault = first_fault(metric)
    if fault is not None:
        raise fault
    if metric.until is not None and metric.until <= metric.since:
        raise Invalid("The metric ends before it begins.", "Give an end after the first day.", field="until")
    if metric.measure == Measure.AMOUNT and metric.until is None:
        raise Invalid("An amount adds up over a span and needs an end.", "Give its end.", field="until")
    if metric.unit in ("£", "€", "$") and metric.value != round(metric.value, 2):
        raise Invalid(f"{metric.value} is more exact than a penny.", "Give two decimals.", field="value")


def _is_level(metric: SiteMetric) -> bool:
    return metric.measure == Measure.LEVEL


METRIC: Final = DatedFact(
    name="metric",
    model=SiteMetric,
    owner="site",
    entries="metrics",
    fields=(
        FactField(
            "name",
            "Metric",
            checks.required,
            help="Beds, occupants, works.",
            suggestions=("Beds", "Occupants", "Works"),
        ),
        FactField("value", "Value", checks.decimal, "number"),
        FactField("unit", "Unit", checks.text, help="£, or empty for a count.", may_be_blank=True),
        FactField("measure", "Kind", checks.choice, "select", choices=tuple(Measure.choices)),
        FactField("since", "From", checks.day_required, "date"),
        FactField(
            "until",
            "Until",
            checks.day,
            "date",
            help="The first day on which it no longer applies; empty: no end.",
            is_required=False,
        ),
    ),
    timeline=InSpans("name", _is_level),
    value="value",
    label="Metric",
    plural="Metrics over time",
    about="Numbers of a site with dates: beds, occupants, £ of works.",
    note="A level without an end ends where the new one begins; earlier values stay.",
    empty="None yet. Beds, occupants or £ of works let usage be compared with them.",
    removal="It stays in the audit log only.",
    verbs=("added", "changed", "deleted"),
    validate=_refuse_metric,
)

FACTS: Final[Mapping[str, DatedFact[Any]]] = {one.name: one for one in (MULTIPLIER, CORRECTION, METRIC)}
