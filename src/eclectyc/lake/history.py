"""The claims on a day, and the day as it was after some batch.

A day row is the result of merging its claims that are in effect, in batch order. A day row that is not contested is
itself the claim of its batch. A witness has the values of the claim of the batch in ``same_as``.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from eclectyc.lake.files import Storage
from eclectyc.lake.precedence import merge_slots, missing_days
from eclectyc.lake.rows import day_rows, read_days
from eclectyc.lake.schema import CLAIM, DAY, DAY_COLUMNS, KEY, empty
from eclectyc.lake.slot_arrays import Slots
from eclectyc.lake.snapshot import Snapshot
from eclectyc.lake.validate import key_of


def as_known_at(
    storage: Storage, snapshot: Snapshot, series: np.ndarray | None, start: date, end: date, batch: int
) -> pl.DataFrame:
    """Return the day rows as they were after a batch, sorted by series and day."""
    from eclectyc.lake.read import row_filter

    wanted = row_filter(series, start, end)
    day_files = snapshot.pick(DAY, start=start, end=end, series=series)["path"].to_list()
    claim_files = snapshot.pick(CLAIM, start=start, end=end, series=series)["path"].to_list()
    uncontested = (
        pl.concat(read_days(storage, day_files, wanted & ~pl.col("contested") & (pl.col("batch") <= batch)))
        if day_files
        else empty(DAY_COLUMNS)
    )
    if not claim_files:
        return uncontested.sort(KEY)
    claims = storage.scan(claim_files, CLAIM).filter(wanted & (pl.col("batch") <= batch)).collect()
    claims = claims.join(uncontested.select(KEY), on=KEY, how="anti")
    live = pl.col("undone_by").is_null() | (pl.col("undone_by") > batch)
    return pl.concat([uncontested, merge_claims(with_values(claims).filter(live))]).sort(KEY)


def with_values(claims: pl.DataFrame) -> pl.DataFrame:
    """Give each witness the values and quality of the claim it refers to.

    A witness whose claim is absent, since a day row holds it, is left out.
    """
    roots = claims.filter(pl.col("same_as").is_null()).select(*KEY, "values", "quality", same_as="batch")
    witnesses = claims.filter(pl.col("same_as").is_not_null())
    if witnesses.is_empty():
        return claims
    resolved = witnesses.drop("values", "quality").join(roots, on=[*KEY, "same_as"], how="inner")
    return pl.concat([claims.filter(pl.col("same_as").is_null()), resolved.select(claims.columns)])


def merge_claims(claims: pl.DataFrame) -> pl.DataFrame:
    """Merge claims, all with values, in batch order; return the resulting day rows.

    All days are merged at once: the first claim of each, then the second, and so on. The ``batch`` of a row is the
    last one that changed it.
    """
    if claims.is_empty():
        return empty(DAY_COLUMNS)
    claims = claims.sort(*KEY, "batch")
    key = key_of(claims)
    is_first = np.r_[True, key[1:] != key[:-1]]
    day_of = np.cumsum(is_first) - 1
    turn = np.arange(len(key)) - np.flatnonzero(is_first)[day_of]
    slots, rules = Slots.from_frame(claims), claims["rule"].to_numpy()
    batches = claims["batch"].to_numpy()
    first = np.flatnonzero(is_first)
    merged = merge_slots(missing_days(slots.lengths[first]), slots.take(first)).slots
    batch = batches[first].copy()
    for n in range(1, int(turn.max()) + 1):
        nth = np.flatnonzero(turn == n)
        days = day_of[nth]
        result = merge_slots(merged.take(days), slots.take(nth), rules[nth])
        merged = merged.replace(days, result.slots)
        batch[days] = np.where(result.is_changed, batches[nth], batch[days])
    days_only = claims.select("series", "day", "step").filter(pl.Series(is_first))
    return day_rows(days_only, merged, batch=batch, contested=True, unflagged=False)
