"""Half-open spans of local days of meters or series, as frames: a key column, ``start`` and ``end`` (dates). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import polars as pl

EVER: Final = (date(1900, 1, 1), date(2200, 1, 1))  # all days that a meter can have


def empty(key: str = "meter") -> pl.DataFrame:
    """Return no spans."""
    return pl.DataFrame(schema={key: pl.Int32 if key == "series" else pl.Int64, "start": pl.Date, "end": pl.Date})


def runs(days: pl.DataFrame, key: str = "meter") -> pl.DataFrame:
    """Join days into spans. days : the key and ``day``, in any order, perhaps repeated.

    >>> runs(pl.DataFrame({"meter": [1, 1, 1], "day": [date(2025, 6, n) for n in (1, 2, 4)]}))["end"].to_list()
    [datetime.date(2025, 6, 3), datetime.date(2025, 6, 5)]
    """
    return merged(days.select(key, start="day", end=pl.col("day") + timedelta(days=1)).unique(), key)


def merged(spans: pl.DataFrame, key: str = "meter") -> pl.DataFrame:
    """Return the same days as sorted spans that do not touch.

    >>> june = [date(2025, 6, n) for n in (1, 3, 5, 9)]
    >>> merged(pl.DataFrame({"meter": [1, 1], "start": [june[1], june[0]], "end": [june[3], june[2]]})).rows()
    [(1, datetime.date(2025, 6, 1), datetime.date(2025, 6, 9))]
    """
    spans = spans.select(key, "start", "end").sort(key, "start")
    reach = pl.col("end").to_physical().cum_max().shift().over(key)
    opens = reach.is_null() | (pl.col("start").to_physical() > reach)
    numbered = spans.with_columns(opens.cum_sum().alias("run"))
    joined = numbered.group_by("run", maintain_order=True).agg(
        pl.col(key).first(), pl.col("start").min(), pl.col("end").max()
    )
    return joined.drop("run")


def widened(spans: pl.DataFrame, *, before: int = 0, after: int = 0) -> pl.DataFrame:
    """Return spans that start some days earlier and end some days later."""
    return spans.with_columns(
        pl.col("start") - timedelta(days=before), pl.col("end") + timedelta(days=after)
    )  # dates near the ends of EVER do no harm


def bounded(spans: pl.DataFrame, stored: pl.DataFrame, key: str = "meter") -> pl.DataFrame:
    """Return spans cut to the stored days. stored : the key, ``first`` and ``last`` day; a key that is not in it has no
    spans."""
    cut = spans.join(stored.select(key, "first", "last"), on=key, how="inner", maintain_order="left").select(
        key,
        start=pl.max_horizontal("start", "first"),
        end=pl.min_horizontal("end", pl.col("last") + timedelta(days=1)),
    )
    return cut.filter(pl.col("start") < pl.col("end"))


def months_of(spans: pl.DataFrame) -> Iterator[tuple[date, date, pl.DataFrame]]:
    """Yield each month with any of the days, in order: its first day, the next month's, and the spans within it."""
    if spans.is_empty():
        return
    firsts = spans.select(
        month=pl.date_ranges(
            pl.col("start").dt.month_start(), (pl.col("end") - timedelta(days=1)).dt.month_start(), "1mo"
        )
    )
    for first in firsts["month"].explode().unique().sort().to_list():
        end = (first + timedelta(days=32)).replace(day=1)
        yield first, end, within(spans, first, end)


def within(spans: pl.DataFrame, first: date, end: date) -> pl.DataFrame:
    """Return the parts of spans between two days."""
    cut = spans.with_columns(pl.col("start").clip(lower_bound=first), pl.col("end").clip(upper_bound=end))
    return cut.filter(pl.col("start") < pl.col("end"))


def days_of(spans: pl.DataFrame, key: str = "meter") -> pl.DataFrame:
    """Return every day of the spans: the key and ``day``."""
    listed = spans.select(key, day=pl.date_ranges("start", "end", "1d", closed="left"))
    return listed.explode("day")
