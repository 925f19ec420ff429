"""One period against another, like for like: only what both periods have is compared.

Days are paired first: this week with last week (7 days back), anything with last year (364 days back, so that
Mondays meet Mondays), a month with the one before by the day of the month. A period that has only begun is thus
compared with the same part of its predecessor. Of a pair of days that are both complete their totals count; slots
can be compared one by one instead, by the clock (:func:`slots_like_for_like`). A previous of nothing gives no
percentage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from eclectyc.analytics.day_grid import DayGrid
from eclectyc.analytics.periods import month_before
from eclectyc.analytics.slots import SlotSeries, clock_minutes
from eclectyc.kernel.days import days_between

Against = Literal["yesterday", "last_week", "last_month", "last_year", "before"]
SHIFT_DAYS: Final = {"yesterday": 1, "last_week": 7, "last_year": 364}  # 52 weeks: weekday-aligned
Pair = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sums over the same slots. ``pairs`` counts the point-days (or slots) compared, ``possible`` those of the
    current period that hold readings: together they show how much of it was compared."""

    current: float
    previous: float
    pairs: int
    possible: int

    @property
    def difference(self) -> float | None:
        """current − previous; None if nothing could be compared."""
        return self.current - self.previous if self.pairs else None

    @property
    def percent(self) -> float | None:
        """The change in percent of the previous; None if that is zero."""
        return 100 * (self.current - self.previous) / abs(self.previous) if self.pairs and self.previous else None

    @property
    def share(self) -> float | None:
        """How much of what the current period holds was compared, 0 … 1."""
        return self.pairs / self.possible if self.possible else None


def partners(start: date, end: date, against: Against) -> list[Pair]:
    """Return each day of a span with the day it is compared with.

    ``before`` is the span of the same length that ends where this one starts. A month's 29th to 31st have no
    partner in a month that is shorter, and are left out.

    >>> partners(date(2025, 3, 28), date(2025, 3, 30), "last_month")
    [(datetime.date(2025, 3, 28), datetime.date(2025, 2, 28))]
    """
    days = days_between(start, end)
    if against == "last_month":
        return [(day, other) for day in days if (other := _same_day_of_month_before(day)) is not None]
    shift = timedelta(days=(end - start).days if against == "before" else SHIFT_DAYS[against])
    return [(day, day - shift) for day in days]


def _same_day_of_month_before(day: date) -> date | None:
    other = month_before(day) + timedelta(days=day.day - 1)
    return other if other.month == month_before(day).month else None


def like_for_like(
    grid: DayGrid, pairs: Sequence[Pair], *, before: DayGrid | None = None, which: np.ndarray | None = None
) -> Comparison:
    """Compare the days of pairs, over all points or those of a mask: a point's pair counts where both days are
    complete. ``before`` holds the earlier days where ``grid`` does not."""
    before = before or grid
    held = [(a, b) for a, b in pairs if _holds(grid, a) and _holds(before, b)]
    points = slice(None) if which is None else which
    possible = _columns(grid, [a for a, _ in pairs if _holds(grid, a)])
    now, then = _columns(grid, [a for a, _ in held]), _columns(before, [b for _, b in held])
    both = grid.complete[:, now][points] & before.complete[:, then][points]
    return Comparison(
        current=float(grid.total[:, now][points][both].sum()),
        previous=float(before.total[:, then][points][both].sum()),
        pairs=int(both.sum()),
        possible=int((grid.present[:, possible][points] > 0).sum()),
    )


def _holds(grid: DayGrid, day: date) -> bool:
    return bool(len(grid.days)) and bool(grid.days[0] <= np.datetime64(day, "D") <= grid.days[-1])


def _columns(grid: DayGrid, days: Sequence[date]) -> np.ndarray:
    if not days:
        return np.empty(0, dtype=np.int64)
    columns: np.ndarray = (np.array(days, dtype="datetime64[D]") - grid.days[0]).astype(np.int64)
    return columns


def slots_like_for_like(
    current: SlotSeries,
    previous: SlotSeries,
    *,
    days: Sequence[date],
    zone: ZoneInfo,
    partner: dict[date, date],
    previous_days: Sequence[date],
) -> Comparison:
    """Compare slot by slot: a slot counts where its partner day has a reading for the same time on the clock.

    The second of a repeated hour meets only another second one. Days read at different steps share no slots.
    """
    now = _keyed(current, [partner.get(day) for day in days], zone)
    then = _keyed(previous, list(previous_days), zone)
    both = now.join(then, on=["day", "clock", "occurrence", "length"], suffix="_previous")
    return Comparison(
        current=float(both["value"].sum()),
        previous=float(both["value_previous"].sum()),
        pairs=len(both),
        possible=len(now),
    )


def _keyed(slots: SlotSeries, days: list[date | None], zone: ZoneInfo) -> pl.DataFrame:
    minute, occurrence = clock_minutes(slots, zone)
    length = np.where(slots.whole_day, 1440, (slots.end - slots.start) // 60)
    frame = pl.DataFrame(
        {"index": slots.day, "clock": minute, "occurrence": occurrence, "length": length, "value": slots.value}
    ).filter(pl.col("value").is_not_nan())
    by_index = pl.DataFrame({"index": range(len(days)), "day": days}, schema={"index": pl.Int64, "day": pl.Date})
    return frame.join(by_index, on="index", maintain_order="left")
