"""Virtual meters as a derivation: which of them depend on changed days, and what is to be recalculated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl
from django.db.models import F

from eclectyc.derived.spans import EVER, empty, merged, runs, widened
from eclectyc.derived.virtual.invalidation import NAME
from eclectyc.estate.models import FormulaPart, Series

if TYPE_CHECKING:
    from eclectyc.derived.virtual.planning import VirtualMeterPlan

_DEPENDENTS: Final[dict[str, Any]] = {
    "series": pl.Int32,
    "meter": pl.Int64,
    "is_elsewhere": pl.Boolean,
    "is_register": pl.Boolean,
}


class VirtualMeters:
    """Formulas over meters: see :mod:`eclectyc.derived.protocol`."""

    name = NAME
    title = "virtual meters"

    def dependents(self, touched: pl.DataFrame) -> pl.DataFrame:
        """Return the virtual meters with a part among the changed series, and their days: two queries."""
        if touched.is_empty() or not FormulaPart.objects.exists():
            return empty()
        pairs = _dependent_meters(int(touched["series"][0])).join(touched, on="series")
        here = runs(pairs.filter(~pl.col("is_elsewhere")))
        elsewhere = widened(runs(pairs.filter("is_elsewhere")), before=1, after=1)
        # A register affects every day between its first and its last: if it is missing, so is the sum of registers.
        start, end = (pl.lit(day, pl.Date) for day in EVER)
        registers = pairs.filter("is_register").select("meter", start=start, end=end).unique()
        return merged(pl.concat([here, elsewhere, registers]))

    def series_needed(self, requested: pl.DataFrame) -> list[int]:
        from eclectyc.derived.virtual.planning import bounding_series  # most batches change no part of a formula

        return bounding_series(requested)

    def plan(self, requested: pl.DataFrame, stored: pl.DataFrame) -> VirtualMeterPlan:
        from eclectyc.derived.virtual.planning import plan_days

        return plan_days(requested, stored)


def _dependent_meters(series: int) -> pl.DataFrame:
    """Return which virtual meters depend on which series, in the organisation of one of the series."""
    organisation = Series.objects.filter(pk=series).values("meter__organisation")
    parts = FormulaPart.objects.filter(meter__organisation__in=organisation, part__series__quantity=F("quantity"))
    rows = [
        (pk, meter, zone != other, register != "")
        for pk, meter, zone, other, register in parts.order_by().values_list(
            "part__series", "meter", "meter__site__timezone", "part__site__timezone", "part__series__register"
        )
    ]
    return pl.DataFrame(rows, schema=_DEPENDENTS, orient="row")


VIRTUAL_METERS: Final = VirtualMeters()
