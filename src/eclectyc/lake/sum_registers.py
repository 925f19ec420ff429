"""Sum the separate registers of a metering point (day and night, E1 and E2) slot by slot. Pure.

A register is in use from its first reading to its last. A day counts if every register in use has readings on it, and
a slot if all of these have a value: a missing part makes the sum missing, never low.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.quality import MISSING
from eclectyc.lake.arbitrate import best_per_day
from eclectyc.lake.slot_arrays import Slots, summarise

WHOLE: Final = ""  # the register of a series that is the whole of its quantity
_ANY: Final = 10**6  # more slots than a day has


def separate_registers(series: pl.DataFrame) -> pl.DataFrame:
    """Return the series of points with more than one register, which have to be summed.

    series : series, point, register.
    """
    named = series.filter(pl.col("register") != WHOLE)
    return named.filter(pl.col("register").n_unique().over("point") > 1)


def register_sums(days: pl.DataFrame, registers: pl.DataFrame) -> pl.DataFrame:
    """Return the sum of each point's registers, one row a point and day, with the columns of ``days``.

    days : day rows with their values. registers : series, point, register, first, last (day; null without any). A sum
    has the lowest series number of its point, the smallest step that all parts fit into, and the lowest quality of
    its parts.
    """
    known = registers.filter(pl.col("first").is_not_null())
    known = known.with_columns(pl.struct("point", "register").rank("dense").cast(pl.Int32).alias("of"))
    parts = best_per_day(days, known.select("series", pl.col("of").alias("point"))).rename({"point": "of"})
    spans = known.group_by("of").agg(pl.col("point").first(), pl.col("first").min(), pl.col("last").max())
    parts = parts.join(spans.select("of", "point"), on="of").sort("point", "day", "of")
    belonging = parts.select("point", "day").unique().join(spans, on="point")
    belonging = belonging.filter(pl.col("day").is_between("first", "last")).group_by("point", "day").len("wanted")
    parts = parts.join(belonging, on=["point", "day"], maintain_order="left")
    parts = parts.filter(pl.len().over("point", "day") == pl.col("wanted"))
    if parts.is_empty():
        return days.clear()
    numbers = known.group_by("point").agg(pl.col("series").min().alias("number"))
    return _sum(parts.join(numbers, on="point", maintain_order="left")).select(days.columns)


def _sum(parts: pl.DataFrame) -> pl.DataFrame:
    """Sum rows, which are sorted by point and day."""
    slots = Slots.from_frame(parts)
    opens = np.flatnonzero(parts.select(pl.struct("point", "day").rle_id().diff().fill_null(1) != 0).to_series())
    group = np.repeat(np.arange(len(opens)), np.diff(np.append(opens, len(parts))))
    step = parts["step"].to_numpy().astype(np.int64)
    common = np.lcm.reduceat(step, opens)
    ratio = np.where((common[group] == WHOLE_DAY) & (step < WHOLE_DAY), _ANY, common[group] // step)
    lengths = np.maximum.reduceat(-(-slots.lengths // ratio), opens)
    starts = np.cumsum(lengths) - lengths
    within = np.arange(len(slots.values)) - np.repeat(slots.starts, slots.lengths)
    at = np.repeat(starts[group], slots.lengths) + within // np.repeat(ratio, slots.lengths)
    values = np.bincount(at, slots.values, minlength=int(lengths.sum()))  # one gap makes the sum a gap
    quality = np.full(len(values), MISSING, np.int8)
    np.maximum.at(quality, at, slots.quality)
    quality[np.isnan(values)] = MISSING
    sums = Slots(values, quality, lengths)
    first = parts[opens]
    return pl.DataFrame(
        {
            "series": first["number"].cast(pl.Int32),
            "day": first["day"],
            "step": pl.Series(common.astype(np.int16)),
            **sums.columns(),
            **summarise(sums),
            "batch": pl.Series(np.maximum.reduceat(parts["batch"].to_numpy(), opens)),
        }
    )
