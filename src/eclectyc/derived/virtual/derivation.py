"""Virtual meters as a kind of derivation: what rests on what was touched, and what is to be worked out anew."""

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
        """Return the virtual meters with a part among what was touched, and their days: two queries."""
        if touched.is_empty() or not FormulaPart.objects.exists():
            return empty()
        pairs = _dependent_meters(int(touched["series"][0])).join(touched, on="series")
        here = runs(pairs.filter(~pl.col("is_elsewhere")))
        elsewhere = widened(runs(pairs.filter("is_elsewhere")), before=1, after=1)
        # A register bears on every day between its first and its last: where it lacks, the sum of registers does.
        start, end = (pl.lit(day, pl.Date) for day in EVER)
        registers = pairs.filter("is_register").select("meter", start=start, end=end).unique()
        return merged(pl.concat([here, elsewhere, registers]))

    def series_needed(self, wanted: pl.DataFrame) -> list[int]:
        """Return the series that long spans are cut to: of the parts, and the meters' own."""
        from eclectyc.derived.virtual.planning import bounding_series  # most batches touch no part of a formula

        return bounding_series(wanted)

    def plan(self, wanted: pl.DataFrame, held: pl.DataFrame) -> VirtualMeterPlan:
        """Return what virtual meters hold on some days."""
        from eclectyc.derived.virtual.planning import plan_days

        return plan_days(wanted, held)


def _dependent_meters(series: int) -> pl.DataFrame:
    """Return which virtual meters rest on which series, in the organisation of one of the series."""
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
