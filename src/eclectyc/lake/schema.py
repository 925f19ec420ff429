"""The lake's one table: its layers, its columns and how they are stored.

Two layers share the table, so that one commit holds both. ``day`` has the merged rows, which all queries read.
``claim`` has what each batch contained for a day that more than one batch has touched.

A day row that only one batch has touched (``contested`` false) is itself that batch's claim, and no claim row repeats
it. ``unflagged`` then means that the batch's readings, stored as actual, came without flags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from deltalake import Schema

DAY: Final = "day"
CLAIM: Final = "claim"
PARTITIONS: Final = ("layer", "month", "bucket")
KEY: Final = ("series", "day")

GUARDED: Final = 0  # estimates never replace actual readings
LAST_WINS: Final = 1
RULES: Final = {"guarded": GUARDED, "last_wins": LAST_WINS}

SLOTS: Final[dict[str, pl.DataType]] = {"values": pl.List(pl.Float64()), "quality": pl.List(pl.Int8())}
SUMMARY: Final[dict[str, pl.DataType]] = {
    "total": pl.Float64(),
    "low": pl.Float64(),
    "peak": pl.Float64(),
    "peak_slot": pl.Int16(),
    "present": pl.Int16(),
    "slots": pl.Int16(),
    "estimated": pl.Int16(),
}
BATCH_COLUMNS: Final[dict[str, pl.DataType]] = {"series": pl.Int32(), "day": pl.Date(), "step": pl.Int16(), **SLOTS}
DAY_COLUMNS: Final[dict[str, pl.DataType]] = {
    **BATCH_COLUMNS,
    **SUMMARY,
    "batch": pl.Int64(),
    "contested": pl.Boolean(),
    "unflagged": pl.Boolean(),
}
CLAIM_COLUMNS: Final[dict[str, pl.DataType]] = {
    **BATCH_COLUMNS,
    "batch": pl.Int64(),
    "rule": pl.Int8(),
    "same_as": pl.Int64(),  # a witness: it has the values and quality of this batch's claim
    "undone_by": pl.Int64(),
}
READ_COLUMNS: Final = ("series", "day", "step", *SUMMARY, "batch")

# Measured on a month of 1,000 series (docs/decisions/0002-the-lake.md). A row group shares one dictionary of
# values, and reading one series' month decodes a whole one: a larger group is smaller on disk and slower to read. A
# file has two groups: each file costs 4 ms whatever is in it, and a larger one is more to rewrite for a corrected day.
ROW_GROUP_ROWS: Final = 16_384
FILE_ROWS: Final = 2 * ROW_GROUP_ROWS
ZSTD_LEVEL: Final = 2
PLAIN_COLUMNS: Final = ("total", "low", "peak")  # nearly all values differ: a dictionary would only cost

COLUMNS: Final[dict[str, dict[str, pl.DataType]]] = {DAY: DAY_COLUMNS, CLAIM: CLAIM_COLUMNS}

_DELTA: Final = {
    pl.Int8: "byte",
    pl.Int16: "short",
    pl.Int32: "integer",
    pl.Int64: "long",
    pl.Float64: "double",
    pl.Date: "date",
    pl.Boolean: "boolean",
}


def delta_schema() -> Schema:
    """Return the table's Delta schema: the columns of both layers, all nullable, then the partitions."""
    from deltalake import Field, Schema
    from deltalake.schema import ArrayType, PrimitiveType

    def delta_type(dtype: pl.DataType) -> ArrayType | PrimitiveType:
        if isinstance(dtype, pl.List):
            return ArrayType(delta_type(dtype.inner), contains_null=True)  # type: ignore[arg-type]
        return PrimitiveType(_DELTA[dtype.base_type()])

    columns = [Field(name, delta_type(dtype)) for name, dtype in (DAY_COLUMNS | CLAIM_COLUMNS).items()]
    return Schema(columns + [Field(name, PrimitiveType("string")) for name in PARTITIONS])


def empty(columns: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(schema=columns)
