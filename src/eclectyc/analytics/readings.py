"""Questions about one metering point: its readings, one day of it, its year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from django.db.models import Q
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.analytics import consumption as pure
from eclectyc.analytics.compare import Comparison, slots_like_for_like
from eclectyc.analytics.consumption import MeterReadings
from eclectyc.analytics.day_grid import Total
from eclectyc.analytics.expected_slots import expected_slots
from eclectyc.analytics.fetch import MeterSet, select_meters
from eclectyc.analytics.heat_map import HeatMap, heat_map
from eclectyc.analytics.periods import By, Window, week_of
from eclectyc.analytics.slots import SlotSeries, expand_days
from eclectyc.analytics.typical_day import Band, is_like, usual_band
from eclectyc.estate.models import Meter, Quantity, Utility
from eclectyc.kernel.days import WHOLE_DAY, local_day, midnight, slot_bounds, zone_of
from eclectyc.kernel.errors import NotFound

BAND_WEEKS = 8
UNIT_OF: Final = {
    Quantity.REACTIVE_IMPORT: "kVArh",
    Quantity.REACTIVE_EXPORT: "kVArh",
    Quantity.VOLUME: "m3",
    Quantity.TEMPERATURE: "degC",
}


@dataclass(frozen=True, slots=True)
class MeteringPoint:
    """One metering point in one quantity. Days that were read with their values are kept and not read again."""

    meters: MeterSet
    zone: ZoneInfo
    unit: str
    step: int
    cached: list[tuple[date, date, pl.DataFrame]] = field(default_factory=list)

    @property
    def first(self) -> date | None:
        """The first day with readings."""
        return self.meters.meters["first"][0]

    @property
    def last(self) -> date | None:
        """The last day with readings."""
        return self.meters.meters["last"][0]

    def rows(self, start: date, end: date) -> pl.DataFrame:
        """Return the day rows of a span, with their values."""
        for opens, closes, frame in self.cached:
            if opens <= start and end <= closes:
                return frame.filter(pl.col("day").is_between(start, end, closed="left"))
        frame = self.meters.rows(start, end, values=True)
        self.cached.append((start, end, frame))
        return frame

    def slots(self, rows: pl.DataFrame, days: np.ndarray) -> SlotSeries:
        """Expand rows with values to the slots of days."""
        expected = expected_slots(self.meters.points, days, rows)[0]
        return expand_days(rows, days, zone=self.zone, step=self.step, expected=expected)


def point_of(
    actor: Actor, meter: Meter, *, quantity: str = Quantity.IMPORT, today: date | None = None
) -> MeteringPoint:
    """Return a meter's point in a quantity; raise ``NotFound`` if the actor may not see the meter."""
    zone = zone_of(meter.site.timezone)
    selected = select_meters(actor, today=today or today_in(zone), quantity=quantity, which=Q(pk=meter.pk))
    if not len(selected.points):
        raise NotFound("This meter does not exist.", "Check its number.")
    selected = selected.only(0)
    has_series = len(selected.series) > 0
    unit = selected.meters["unit"][0] if has_series else UNIT_OF.get(Quantity(quantity), meter.unit)
    return MeteringPoint(selected, zone, unit, int(selected.points.step[0]))


def main_point(
    actor: Actor, meter: Meter, quantity: str | None = None, *, today: date | None = None
) -> tuple[str, MeteringPoint]:
    """Return a quantity and a meter's point in it: by default its import or, for gas with volumes only, its
    volume."""
    point = point_of(actor, meter, quantity=quantity or Quantity.IMPORT, today=today)
    if quantity is None and point.last is None and meter.utility == Utility.GAS:
        volume = point_of(actor, meter, quantity=Quantity.VOLUME, today=today)
        if volume.last is not None:
            return str(Quantity.VOLUME), volume
    return str(quantity or Quantity.IMPORT), point


def today_in(zone: ZoneInfo) -> date:
    """Return today's date in a zone."""
    return local_day(timezone.now(), zone)


def meter_readings(
    actor: Actor,
    meter: Meter,
    *,
    start: date | datetime | None = None,
    end: date | datetime | None = None,
    by: By = "day",
    quantity: str = Quantity.IMPORT,
    today: date | None = None,
) -> MeterReadings:
    """Return a meter's readings by slot, hour, day, week, month or year over a half-open window.

    start, end : local dates or instants; without one, the meter's first or last reading counts.
    A temperature [°C] is averaged over what is present; everything else is summed.
    """
    point = point_of(actor, meter, quantity=quantity, today=today)
    window = window_of(point, start, end)
    if window is None:
        empty = pl.DataFrame(schema=pure.schema(point.zone))
        return MeterReadings(empty, point.unit, point.zone.key, by)
    return readings_of(point, window, by)


def window_of(point: MeteringPoint, start: date | datetime | None, end: date | datetime | None) -> Window | None:
    """Return the window between two ends; a missing one is where the readings begin or end. None without
    an end and a reading."""
    opens = start if start is not None else point.first
    closes = end if end is not None else point.last and point.last + timedelta(days=1)
    return None if opens is None or closes is None else Window.of(opens, closes, point.zone)


def readings_of(point: MeteringPoint, window: Window, by: By) -> MeterReadings:
    """Return a point's readings over a window."""
    needs_values = by in ("slot", "hour") or bool(window.cut_days)
    rows = point.meters.rows(window.first_day, window.end_day, values=needs_values)
    points = point.meters.points
    if by == "slot":
        frame = pure.by_slot(rows, points, window)
    elif by == "hour":
        frame = pure.by_hour(rows, points, window)
    else:
        frame = pure.by_day_or_longer(rows, points, window, by)
    if point.unit == "degC":
        frame = frame.with_columns(pl.col("value") / pl.col("present"))
    return MeterReadings(frame, point.unit, point.zone.key, by)


def readings_in_parts(point: MeteringPoint, window: Window, by: By) -> Iterator[MeterReadings]:
    """Yield the same readings calendar year by calendar year, so that a long answer is never in memory as a whole.

    Weeks cross years: by week the parts end with the last Monday of a year.
    """
    start = window.start
    while start < window.end:
        day = local_day(start, window.zone)
        turn = date(day.year + 1, 1, 1)
        if by == "week" and (monday := week_of(turn)) != turn:
            turn = monday if monday > day else monday + timedelta(weeks=52)
        end = min(midnight(turn, window.zone), window.end)
        yield readings_of(point, Window(start, end, window.zone), by)
        start = end


@dataclass(frozen=True, slots=True)
class DayView:
    """One local day of a meter: arrays of shape (slots,).

    values : [unit], NaN = missing. quality : see kernel.quality. starts, ends : local instants. ``step`` is 1440 if
    only the day's total is known. band : the typical range of such a day; None if there are too few like days.
    """

    day: date
    unit: str
    timezone: str
    step: int
    values: np.ndarray
    quality: np.ndarray
    starts: list[datetime]
    ends: list[datetime]
    total: Total
    band: Band | None
    first: date | None
    last: date | None
    slot_series: SlotSeries

    @property
    def slots(self) -> int:
        """How many slots the day has."""
        return len(self.values)


def meter_day(
    actor: Actor, meter: Meter, day: date, quantity: str = Quantity.IMPORT, *, today: date | None = None
) -> DayView:
    """Return one day of a meter in slots, with the typical range of like days of the eight weeks before it."""
    return day_of(point_of(actor, meter, quantity=quantity, today=today), day)


def day_of(point: MeteringPoint, day: date) -> DayView:
    """Return one day of a point with its typical range."""
    return _day_view(point, point.rows(day - timedelta(weeks=BAND_WEEKS), day + timedelta(days=1)), day)


def compare_days(
    actor: Actor, meter: Meter, day: date, other: date, quantity: str = Quantity.IMPORT, *, today: date | None = None
) -> tuple[DayView, DayView, Comparison]:
    """Return two days of a meter and their comparison, slot by slot where both have a reading."""
    return days_of(point_of(actor, meter, quantity=quantity, today=today), day, other)


def days_of(point: MeteringPoint, day: date, other: date) -> tuple[DayView, DayView, Comparison]:
    """Return two days of a point and their comparison; the other one without its typical range."""
    view = day_of(point, day)
    beside = _day_view(point, point.rows(other, other + timedelta(days=1)), other)
    pairs = slots_like_for_like(
        view.slot_series, beside.slot_series, days=[day], previous_days=[other], partner={day: other}, zone=point.zone
    )
    return view, beside, pairs


def _day_view(point: MeteringPoint, rows: pl.DataFrame, day: date) -> DayView:
    of_day = rows.filter(pl.col("day") == day)
    slots = point.slots(of_day, np.array([day], dtype="datetime64[D]"))
    step = int(of_day["step"][0]) if len(of_day) else point.step
    quality = of_day["quality"][0].to_numpy() if len(of_day) else np.zeros(len(slots.day), dtype=np.int8)
    bounds = [slot_bounds(day, slot, step, point.zone) for slot in range(len(slots.day))]
    present = int((~np.isnan(slots.value)).sum())
    total = Total(
        value=float(np.nansum(slots.value)) if present else None,
        present=present,
        expected=int(slots.expected.sum()),
        estimated=int(slots.estimated.sum()),
    )
    return DayView(
        day=day,
        unit=point.unit,
        timezone=point.zone.key,
        step=step,
        values=slots.value,
        quality=quality,
        starts=[start for start, _ in bounds],
        ends=[min(end, bounds[-1][1]) for _, end in bounds],
        total=total,
        band=_band(point, rows, day, slots, step),
        first=point.first,
        last=point.last,
        slot_series=slots,
    )


def _band(point: MeteringPoint, rows: pl.DataFrame, day: date, slots: SlotSeries, step: int) -> Band | None:
    like = rows.filter((pl.col("day") < day) & (pl.col("step") == step))
    like = like.filter(pl.Series([is_like(day, other) for other in like["day"]], dtype=pl.Boolean))
    if step == WHOLE_DAY or not len(like):
        return None
    days = like["day"].to_numpy().astype("datetime64[D]")
    history = _history_slots(point, like, days)
    return usual_band(history, slots, days=len(like), zone=point.zone, step=step)


def _history_slots(point: MeteringPoint, rows: pl.DataFrame, days: np.ndarray) -> SlotSeries:
    """Expand days that need not be consecutive; ``day`` indexes ``days``."""
    span = np.arange(days[0], days[-1] + 1)
    slots = point.slots(rows, span)
    at = np.full(len(span), -1)
    at[(days - days[0]).astype(np.int64)] = np.arange(len(days))
    kept = slots.select(at[slots.day] >= 0)
    return SlotSeries(at[kept.day], *(getattr(kept, name) for name in SlotSeries.__slots__[1:]))


@dataclass(frozen=True, slots=True)
class MeterYear:
    """A calendar year of a meter: its heat map, and its days (start, end, value, present, expected, estimated)."""

    heat: HeatMap
    days: pl.DataFrame
    unit: str


def meter_year(
    actor: Actor, meter: Meter, year: int, quantity: str = Quantity.IMPORT, *, today: date | None = None
) -> MeterYear:
    """Return a year of a meter as a day × slot matrix (25 h wide: 50 half-hours) and as days."""
    return year_of(point_of(actor, meter, quantity=quantity, today=today), year)


def year_of(point: MeteringPoint, year: int) -> MeterYear:
    """Return a year of a point."""
    window = Window.of(date(year, 1, 1), date(year + 1, 1, 1), point.zone)
    rows = point.rows(window.first_day, window.end_day)
    slots = point.slots(rows, window.days)
    days = pure.by_day_or_longer(rows, point.meters.points, window, "day")
    left_out = (int(point.meters.meters["meter"][0]),) if len(rows) and (rows["step"] == WHOLE_DAY).all() else ()
    heat = heat_map(window.days, [slots])
    return MeterYear(HeatMap(heat.days, heat.value, heat.step, heat.coverage, left_out), days, point.unit)
