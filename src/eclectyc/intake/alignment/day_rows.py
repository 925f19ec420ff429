"""From slots to day rows: duplicates resolved, days as lists, one frame a month. Pure.

If a file contains a slot twice, equal values count once; of different ones the actual one counts. If neither or both
are actual, none counts, and every line concerned is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from eclectyc.intake.alignment.reading_arrays import Selection
from eclectyc.intake.alignment.to_slots import Refusal, SlotValues, concat_slots
from eclectyc.kernel.quality import ACTUAL, UNFLAGGED
from eclectyc.lake.slot_arrays import ragged


@dataclass(frozen=True, slots=True)
class DayMatrix:
    """Days of unique (target, day), sorted by these, not yet cut to the length the clocks give them.

    target int32, day [days since 1970, int32] : shape (days,).
    values float64 (NaN = missing), quality int8 : shape (days, slots).
    """

    target: np.ndarray
    day: np.ndarray
    values: np.ndarray
    quality: np.ndarray

    def __len__(self) -> int:
        return len(self.target)

    def where(self, chosen: np.ndarray) -> DayMatrix:
        """Return the days of a mask or of indices."""
        return DayMatrix(self.target[chosen], self.day[chosen], self.values[chosen], self.quality[chosen])


@dataclass(frozen=True, slots=True)
class WholeDayRows:
    """Rows that are days of their target as they are: column k is slot k. Values are copied only when they are merged.

    target, factor (to the canonical unit) : shape (rows,). width : columns that count.
    """

    selection: Selection
    target: np.ndarray
    factor: np.ndarray
    width: int

    def __len__(self) -> int:
        return len(self.target)

    def where(self, mask: np.ndarray) -> WholeDayRows:
        return WholeDayRows(self.selection.where(mask), self.target[mask], self.factor[mask], self.width)

    @property
    def values(self) -> np.ndarray:
        values = self.selection.days.values[self.selection.rows, : self.width]
        return values if (self.factor == 1.0).all() else values * self.factor[:, None]

    @property
    def quality(self) -> np.ndarray:
        return self.selection.days.quality[self.selection.rows, : self.width]

    def as_slots(self) -> SlotValues:
        """Return the slots with a value one by one."""
        values, quality = self.values, self.quality
        row, slot = np.nonzero(~np.isnan(values))
        line, day = self.selection.days.line_of(self.selection.rows[row], slot), self.selection.day[row]
        return SlotValues(self.target[row], day, slot.astype(np.int32), values[row, slot], quality[row, slot], line)


@dataclass(slots=True)
class DayMerge:
    """Days of unique (target, day), and the duplicates among their slots."""

    days: DayMatrix
    refusals: list[Refusal] = field(default_factory=list)
    equal: int = 0  # slots that occur more than once with one value
    decided: int = 0  # slots with several values, of which one is actual


def merge_days(slots: SlotValues, whole: Sequence[WholeDayRows]) -> DayMerge:
    """Merge slots and whole days into one row per (target, day)."""
    keys = [keys_of(days.target, days.selection.day) for days in whole]
    target, day, _ = _rows_of(slots)
    twice = _repeated(np.concatenate([*keys, keys_of(target, day)]))
    alone: list[WholeDayRows] = []
    for days, key in zip(whole, keys, strict=True):
        shared = np.isin(key, twice) if len(twice) else np.zeros(len(key), dtype=bool)
        if shared.any():
            slots = concat_slots([slots, days.where(shared).as_slots()])
        if not shared.all():
            alone.append(days.where(~shared) if shared.any() else days)
    merged = DayMerge(DayMatrix(slots.target[:0], slots.day[:0], np.empty((0, 1)), np.empty((0, 1), np.int8)))
    parts: list[tuple[np.ndarray, np.ndarray, WholeDayRows | DayMatrix]] = [
        (d.target, d.selection.day, d) for d in alone
    ]
    if len(slots):
        filled_days = _fill_days(slots, merged)
        parts.append((filled_days.target, filled_days.day, filled_days))
    if parts:
        merged.days = _stacked(parts) if alone else filled_days
    return merged


def keys_of(target: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Return one int64 for each pair that orders like (target, day); either may be below zero."""
    return (target.astype(np.int64) << 32) + day


def _repeated(keys: np.ndarray) -> np.ndarray:
    """Return the keys that occur more than once."""
    if (keys[1:] > keys[:-1]).all():  # most files keep meters and their days in order
        return keys[:0]
    ordered = np.sort(keys)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def _stacked(parts: Sequence[tuple[np.ndarray, np.ndarray, WholeDayRows | DayMatrix]]) -> DayMatrix:
    """Concatenate days, sorted, as wide as the widest; each value is copied once."""
    target = np.concatenate([part[0] for part in parts])
    day = np.concatenate([part[1] for part in parts])
    keys = keys_of(target, day)
    order = place = np.arange(len(keys))
    if not (keys[1:] > keys[:-1]).all():
        order = np.argsort(keys, kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
    widths = {part.width if isinstance(part, WholeDayRows) else part.values.shape[1] for *_, part in parts}
    width = max(widths)
    if len(widths) == 1:
        values, quality = np.empty((len(order), width)), np.empty((len(order), width), np.int8)
    else:
        values, quality = np.full((len(order), width), np.nan), np.zeros((len(order), width), np.int8)
    at = 0
    for own, _, part in parts:
        rows = place[at : at + len(own)]
        is_run = len(rows) > 0 and rows[-1] - rows[0] == len(rows) - 1 and bool((np.diff(rows) == 1).all())
        where = slice(int(rows[0]), int(rows[-1]) + 1) if is_run else rows
        filled = part.values
        values[where, : filled.shape[1]] = filled
        quality[where, : filled.shape[1]] = part.quality
        at += len(own)
    return DayMatrix(target[order], day[order], values, quality)


def _rows_of(slots: SlotValues) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return target and day of each day that has slots, sorted, and the index of each slot's day."""
    if len(slots) == 0:
        return slots.target, slots.day, slots.target
    first, least = int(slots.day.min()), int(slots.target.min())
    span = int(slots.day.max()) - first + 1
    key = (slots.target.astype(np.int64) - least) * span + (slots.day - first)
    size = int(key.max()) + 1
    if size > 4 * len(key) + 100_000:
        used, row = np.unique(key, return_inverse=True)
    else:  # a table of all days is quicker than sorting
        used = np.flatnonzero(np.bincount(key, minlength=size))
        table = np.zeros(size, np.int64)
        table[used] = np.arange(len(used))
        row = table[key]
    return (used // span + least).astype(np.int32), (used % span + first).astype(np.int32), row


def _fill_days(slots: SlotValues, merged: DayMerge) -> DayMatrix:
    """Put slots into days; duplicates are resolved and counted in ``merged``."""
    target, day, row = _rows_of(slots)
    width = int(slots.slot.max()) + 1
    flat = row * width + slots.slot
    keep = _without_duplicates(slots, flat, merged)
    if not keep.all():
        slots, flat = slots.where(keep), flat[keep]
    values, quality = np.full(len(target) * width, np.nan), np.zeros(len(target) * width, dtype=np.int8)
    values[flat] = slots.value
    quality[flat] = slots.quality
    return DayMatrix(target, day, values.reshape(-1, width), quality.reshape(-1, width))


def _without_duplicates(slots: SlotValues, flat: np.ndarray, merged: DayMerge) -> np.ndarray:
    """Mark the slots to keep so that each occurs once, and count the others in ``merged``."""
    repeated = (np.bincount(flat) > 1)[flat]
    if not repeated.any():
        return ~repeated
    frame = pl.DataFrame(
        {
            "flat": flat[repeated],
            "at": np.flatnonzero(repeated),
            "value": slots.value[repeated],
            "quality": slots.quality[repeated],
        }
    )
    actual = pl.col("quality").is_in([ACTUAL, UNFLAGGED])
    duplicates = frame.group_by("flat").agg(
        any_value=pl.col("value").n_unique(),
        actual_value=pl.col("value").filter(actual).n_unique(),
        first=pl.col("at").first(),
        first_actual=pl.col("at").filter(actual).sort_by(pl.col("quality").filter(actual)).first(),
        rows=pl.col("at"),
    )
    equal = duplicates.filter(pl.col("any_value") == 1)
    decided = duplicates.filter((pl.col("any_value") > 1) & (pl.col("actual_value") == 1))
    undecided = duplicates.filter((pl.col("any_value") > 1) & (pl.col("actual_value") != 1))
    merged.equal, merged.decided = len(equal), len(decided)
    if len(undecided):
        at = undecided["rows"].explode().to_numpy()
        reason = "This period occurs more than once with different values, and no flag shows which one is actual."
        merged.refusals.append(Refusal(np.sort(slots.line[at]), reason, "Keep one of the lines."))
    chosen = pl.concat([equal.select(pl.coalesce("first_actual", "first")), decided.select("first_actual")])
    keep = ~repeated
    keep[chosen.to_series().to_numpy()] = True
    return keep


def frame_of(days: DayMatrix, series: np.ndarray, step: np.ndarray, lengths: np.ndarray) -> pl.DataFrame:
    """Return day rows in the lake's schema.

    series, step [minutes], lengths (slots that the clocks give each day) : shape (days,).
    Values beyond a day's own slots must be NaN.
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
            "values": ragged(pl.Series(flat_values, nan_to_null=not flat_quality.all()), lengths),
            "quality": ragged(pl.Series(flat_quality), lengths),
        }
    )


def _padded(matrix: np.ndarray, width: int) -> np.ndarray:
    if matrix.shape[1] >= width:
        return matrix[:, :width]
    missing = np.nan if matrix.dtype == np.float64 else 0
    return np.pad(matrix, ((0, 0), (0, width - matrix.shape[1])), constant_values=missing)
