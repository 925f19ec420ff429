"""From slots to day rows: the same slot twice, days as lists, one frame a month. Pure.

The same slot twice in one file: equal values count once; of different ones the actual one counts, and if that
does not decide, neither does, and every line concerned is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from eclectyc.intake.place import Refusal, Slots, joined
from eclectyc.kernel.quality import ACTUAL, UNFLAGGED
from eclectyc.lake.dense import ragged


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days, not yet cut to the length the clocks give them.

    target int32, day [days since 1970, int32], line int64 (0 where several) : shape (days,).
    values float64 (NaN = nothing said), quality int8 : shape (days, slots).
    """

    target: np.ndarray
    day: np.ndarray
    line: np.ndarray
    values: np.ndarray
    quality: np.ndarray

    def __len__(self) -> int:
        return len(self.target)

    def where(self, chosen: np.ndarray) -> Days:
        """Return some of the days: a mask or indices."""
        return Days(self.target[chosen], self.day[chosen], self.line[chosen], self.values[chosen], self.quality[chosen])

    def as_slots(self) -> Slots:
        """Return the filled slots one by one."""
        row, slot = np.nonzero(~np.isnan(self.values))
        return Slots(
            self.target[row],
            self.day[row],
            slot.astype(np.int32),
            self.values[row, slot],
            self.quality[row, slot],
            self.line[row],
        )


@dataclass(slots=True)
class Laid:
    """Days of unique (target, day), and what could not be decided."""

    days: Days
    refusals: list[Refusal] = field(default_factory=list)
    equal: int = 0  # slots that came more than once with one value
    decided: int = 0  # slots that came with several values, of which one was actual


def lay_days(slots: Slots, whole: list[Days]) -> Laid:
    """Bring slots, and days that came whole, together into one row per (target, day)."""
    keys = [_keys(days.target, days.day) for days in whole]
    every = np.concatenate([*keys, np.unique(_keys(slots.target, slots.day))])
    values, counts = np.unique(every, return_counts=True)
    twice = values[counts > 1]
    alone: list[Days] = []
    for days, key in zip(whole, keys, strict=True):
        shared = np.isin(key, twice)
        if shared.any():
            slots = joined([slots, days.where(shared).as_slots()])
        if not shared.all():
            alone.append(days.where(~shared) if shared.any() else days)
    laid = Laid(_stacked([]))
    if len(slots):
        alone.append(_from_slots(_once_each(slots, laid)))
    laid.days = alone[0] if len(alone) == 1 else _stacked(alone)
    return laid


def _keys(target: np.ndarray, day: np.ndarray) -> np.ndarray:
    return (target.astype(np.int64) << 32) | day.astype(np.int64)


def _stacked(parts: list[Days]) -> Days:
    """Put days behind each other, as wide as the widest."""
    width = max((part.values.shape[1] for part in parts), default=1)
    size = sum(map(len, parts))
    values = np.full((size, width), np.nan)
    quality = np.zeros((size, width), dtype=np.int8)
    at = 0
    for part in parts:
        values[at : at + len(part), : part.values.shape[1]] = part.values
        quality[at : at + len(part), : part.quality.shape[1]] = part.quality
        at += len(part)
    none = np.empty(0, np.int32)
    return Days(
        np.concatenate([none, *(p.target for p in parts)]),
        np.concatenate([none, *(p.day for p in parts)]),
        np.concatenate([none.astype(np.int64), *(p.line for p in parts)]),
        values,
        quality,
    )


def _from_slots(slots: Slots) -> Days:
    """Scatter slots that each come once."""
    keys, row = np.unique(_keys(slots.target, slots.day), return_inverse=True)
    shape = (len(keys), int(slots.slot.max()) + 1)
    values, quality = np.full(shape, np.nan), np.zeros(shape, dtype=np.int8)
    values[row, slots.slot] = slots.value
    quality[row, slots.slot] = slots.quality
    target, day = (keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32)
    return Days(target, day, np.zeros(len(keys), dtype=np.int64), values, quality)


def _once_each(slots: Slots, laid: Laid) -> Slots:
    """Return the slots with each (target, day, slot) once, and note in ``laid`` what became of the others."""
    _, row = np.unique(_keys(slots.target, slots.day), return_inverse=True)
    flat = row * (int(slots.slot.max()) + 1) + slots.slot
    repeated = (np.bincount(flat) > 1)[flat]
    if not repeated.any():
        return slots
    frame = pl.DataFrame(
        {"flat": flat[repeated], "at": np.flatnonzero(repeated), "value": slots.value[repeated],
         "quality": slots.quality[repeated]}
    )  # fmt: skip
    actual = pl.col("quality").is_in([ACTUAL, UNFLAGGED])
    judged = frame.group_by("flat").agg(
        any_value=pl.col("value").n_unique(),
        actual_value=pl.col("value").filter(actual).n_unique(),
        first=pl.col("at").first(),
        first_actual=pl.col("at").filter(actual).sort_by(pl.col("quality").filter(actual)).first(),
        rows=pl.col("at"),
    )
    equal = judged.filter(pl.col("any_value") == 1)
    decided = judged.filter((pl.col("any_value") > 1) & (pl.col("actual_value") == 1))
    open_ = judged.filter((pl.col("any_value") > 1) & (pl.col("actual_value") != 1))
    laid.equal, laid.decided = len(equal), len(decided)
    if len(open_):
        at = open_["rows"].explode().to_numpy()
        reason = "The same period comes with different values, and the flags do not say which one is actual."
        laid.refusals.append(Refusal(np.sort(slots.line[at]), reason, "Keep one of the lines."))
    chosen = pl.concat([equal.select(pl.coalesce("first_actual", "first")), decided.select("first_actual")])
    keep = ~repeated
    keep[chosen.to_series().to_numpy()] = True
    return slots.where(keep)


def frame_of(days: Days, series: np.ndarray, step: np.ndarray, lengths: np.ndarray) -> pl.DataFrame:
    """Return day rows as the lake takes them.

    series, step [minutes], lengths (slots that the clocks give each day) : shape (days,).
    Whatever stands beyond a day's own slots must be NaN.
    """
    width = int(lengths.max()) if len(lengths) else 0
    values, quality = _padded(days.values, width), _padded(days.quality, width)
    if (lengths == width).all():
        flat_values, flat_quality = values.reshape(-1), quality.reshape(-1)
    else:
        own = np.arange(width) < lengths[:, None]
        flat_values, flat_quality = values[own], quality[own]
    return pl.DataFrame(
        {
            "series": pl.Series(series.astype(np.int32)),
            "day": pl.Series(days.day.astype("datetime64[D]")).cast(pl.Date),
            "step": pl.Series(step.astype(np.int16)),
            "values": ragged(pl.Series(flat_values, nan_to_null=True), lengths),
            "quality": ragged(pl.Series(flat_quality), lengths),
        }
    )


def _padded(matrix: np.ndarray, width: int) -> np.ndarray:
    if matrix.shape[1] >= width:
        return matrix[:, :width]
    nothing = np.nan if matrix.dtype == np.float64 else 0
    return np.pad(matrix, ((0, 0), (0, width - matrix.shape[1])), constant_values=nothing)
