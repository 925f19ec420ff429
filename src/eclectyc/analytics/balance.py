"""A main meter against its sub-meters: the use that no sub-meter counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from django.db.models import Q

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.day_grid import DayGrid
from eclectyc.analytics.fetch import select_meters
from eclectyc.analytics.periods import By, bucket_starts
from eclectyc.estate.models import Meter, Quantity
from eclectyc.kernel.errors import NotFound


@dataclass(frozen=True, slots=True)
class Balance:
    """A main meter and those directly below it, period by period, in one unit.

    periods : start (first day), main, subs [unit] (null if nothing is present), main_present, main_expected,
    subs_present, subs_expected [slots], unmetered [unit] = main − Σ subs over the days on which the main and every
    sub that was in use are complete (null if there is no such day; negative if subs count more than their main),
    compared, days: how many days this is based on, of how many.
    total : the same sums over the whole span, one row. subs : meter, identifier, name, value, present, expected.
    left_out : meters below in another unit or direction, by id: they cannot be subtracted.
    """

    periods: pl.DataFrame
    total: dict[str, float | int | None]
    subs: pl.DataFrame
    left_out: tuple[int, ...]
    unit: str
    timezone: str

    @property
    def unmetered_share(self) -> float | None:
        """The unmetered part of what the main counted on the days compared, 0 … 1; None if that is nothing."""
        main, unmetered = self.total["main_compared"], self.total["unmetered"]
        return unmetered / main if main and unmetered is not None else None


def meter_balance(
    actor: Actor,
    meter: Meter,
    start: date,
    end: date,
    *,
    by: By = "month",
    quantity: str = Quantity.IMPORT,
    today: date,
) -> Balance:
    """Return a main meter's use less that of the meters directly below it, from ``start`` up to, not including,
    ``end``. The use of meters that the actor may not see is part of what is unmetered."""
    selected = select_meters(actor, today=today, quantity=quantity, which=Q(pk=meter.pk) | Q(parent=meter.pk))
    if meter.pk not in selected.meters["meter"]:
        raise NotFound("This meter does not exist.", "Check its number.")
    main = int(np.flatnonzero(selected.meters["meter"].to_numpy() == meter.pk)[0])
    unit, direction = selected.meters["unit"][main], selected.meters["direction"][main]
    alike = selected.mask((pl.col("unit") == unit) & (pl.col("direction") == direction))
    below = selected.mask(pl.col("meter") != meter.pk)
    subs = np.flatnonzero(alike & below)
    grid = selected.grid(start, end)
    daily = _daily(grid, main, subs)
    by_sub = pl.concat(
        [selected.meters.select("meter", "identifier", "name"), grid.by_point(start, end)], how="horizontal"
    )
    others = set(selected.meters["meter"].filter(pl.Series(~alike & below))) - set(selected.meters["meter"][subs])
    starts = pl.Series("start", bucket_starts(grid.days, by)).cast(pl.Date)
    periods = daily.with_columns(starts).group_by("start", maintain_order=True).agg(_SUMS)
    return Balance(
        periods=periods.drop("main_compared"),
        total=daily.select(_SUMS).row(0, named=True),
        subs=by_sub[subs].drop("estimated"),
        left_out=tuple(sorted(others)),
        unit=unit,
        timezone=selected.meters["timezone"][main],
    )


def _daily(grid: DayGrid, main: int, subs: np.ndarray) -> pl.DataFrame:
    """Return what each day adds; ``compared`` is 1 if main and subs are complete."""
    whole = grid.complete[main]
    for sub in subs:
        whole = whole & (grid.complete[sub] | (grid.expected[sub] == 0))
    of_subs = np.nansum(grid.total[subs], axis=0)
    subs_present = grid.present[subs].sum(axis=0)
    return pl.DataFrame(
        {
            "main": grid.total[main],
            "subs": np.where(subs_present > 0, of_subs, np.nan),
            "main_present": grid.present[main],
            "main_expected": grid.expected[main],
            "subs_present": subs_present,
            "subs_expected": grid.expected[subs].sum(axis=0, dtype=np.int64),
            "unmetered": np.where(whole, grid.total[main] - of_subs, np.nan),
            "main_compared": np.where(whole, grid.total[main], np.nan),
            "compared": whole.astype(np.int64),
            "days": np.ones(len(grid.days), dtype=np.int64),
        }
    ).fill_nan(None)


_SUMS = [
    *(pl.when(pl.col(n).count() > 0).then(pl.col(n).sum()).alias(n) for n in ("main", "subs")),
    pl.col("main_present", "main_expected", "subs_present", "subs_expected").cast(pl.Int64).sum(),
    *(pl.when(pl.col(n).count() > 0).then(pl.col(n).sum()).alias(n) for n in ("unmetered", "main_compared")),
    pl.col("compared", "days").sum(),
]
