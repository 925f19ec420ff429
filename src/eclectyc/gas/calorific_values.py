"""Calorific values [MJ/m³] by region and gas day: the fact from outside that turns volumes of gas into energy."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

import polars as pl
from django.db.models import Q

from eclectyc.accounts.models import Organisation
from eclectyc.derived import spans
from eclectyc.estate.models import Site
from eclectyc.external.outside_facts import Grain, OutsideFact, place_key
from eclectyc.gas.invalidation import mark_meters
from eclectyc.gas.models import CalorificValue
from eclectyc.gas.regions import usual_region
from eclectyc.gas.rules import PLAUSIBLE, USUAL

EDIT: Final = "imports.run"  # the permission to store them
PLACES: Final = 6
MOST_RUNS: Final = 20  # days further apart are marked as one span: a day recalculated needlessly keeps its values
_HEADINGS: Final = (
    *("calorificvalue", "cv", "value", "calorific", "calorificvaluemjm", "calorificvaluemjm3"),
    *("cvmjm", "cvmjm3", "mjm3", "mjm", "mjperm3"),
)
_MJ: Final = ("mjm3", "mjperm3", "mjm", "mjsm3", "mjcubicmetre")
_KWH: Final = ("kwhm3", "kwhperm3")


def _mark_dependants(organisation: Organisation, key: str, days: list[date]) -> int:
    """Mark the local days that contain parts of some gas days of a region: each has a part of the gas day before."""
    rows = pl.DataFrame({"meter": [0] * len(days), "day": days}, schema={"meter": pl.Int64, "day": pl.Date})
    runs = spans.merged(spans.widened(spans.runs(rows), after=1))
    if len(runs) > MOST_RUNS:
        runs = runs.select("meter", pl.col("start").min(), pl.col("end").max()).head(1)
    usual = place_key(usual_region(organisation))
    named = Site.objects.filter(organisation=organisation).order_by().values_list("gas_region", flat=True).distinct()
    regions = [name for name in named if (place_key(name) if name else usual) == key]
    which = Q(organisation=organisation, site__gas_region__in=regions)
    return mark_meters(which, [(start, end) for _, start, end in runs.iter_rows()])


CALORIFIC_VALUE: Final = OutsideFact(
    name="calorific value",
    plural="calorific values",
    model=CalorificValue,
    place="region",
    time="day",
    value="mj_per_m3",
    grain=Grain.DAY,
    column="calorific_value",
    headings=_HEADINGS,
    place_headings=("region", "ldz", "zone", "area", "gasregion", "localdistributionzone"),
    time_headings=("date", "day", "gasday", "gasdate", "applicablefor", "applicabledate", "readdate"),
    unit="MJ/m³",
    units={**dict.fromkeys(_MJ, Decimal(1)), **dict.fromkeys(_KWH, Decimal("3.6"))},
    bounds=PLAUSIBLE,
    usual=USUAL,
    places=PLACES,
    example="39.47333",
    hint="Natural gas has about 37 to 44 MJ/m³: check the unit.",
    time_name="gas day",
    permission=EDIT,
    events=("calorific_values.put", "calorific_value.removed"),
    default_place=usual_region,
    dependants=_mark_dependants,
)
