"""Blocks: what a reader yields, rows with their values as the file prints them. Pure.

Blocks come in file order; intake aligns their printed timestamps to local days and slots. Any block can turn out to be
unreadable (``UnreadableFile``), so nothing of a file may be stored before its last block.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from eclectyc.kernel.errors import EclectycError

Stamps = Literal["start", "end"]

MAX_REPORTED_ERRORS = 100  # more go to a file


class UnreadableFile(EclectycError):
    """A file that cannot be imported at all: the reason and the remedy."""

    code = "unreadable_file"


def changed_since_recognised(name: str, layout: str) -> UnreadableFile:
    """Return the error for a file that was replaced between recognition and reading."""
    return UnreadableFile(f"{name} is no longer the {layout} file that was recognised.", "Import it again.")


@dataclass(frozen=True, slots=True)
class LineError:
    """A rejected line. ``line`` is its number in the file, from 1."""

    line: int
    column: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class DayBlock:
    """Rows that each hold one local day of one meter (wide and daily layouts).

    frame : one row per meter and day, in file order, with columns
        line Int64, meter String (cleaned; null if the file names none), quantity String (``import`` …; null =
        not stated), unit String (as printed; null = not stated), day Date, and for a meter whose registers are
        separate register String (its name; null or no column = the whole of the quantity).
    values : shape (rows, slots), float64; NaN = no value. Slots beyond the day's own are NaN.
    quality : shape (rows, slots), int8: 0 missing, 1 actual, 2 estimated, 5 unflagged (kernel.quality).
    step : minutes per slot (1440: ``values`` has one column).
    placing : ``position`` – column k is slot k of the local day; ``clock`` – column k is the local clock time
        k·step (48 columns also on clock-change days). Whole days are always ``position``.
    rows : data lines of the file in this block.
    by_end : the columns are headed by the end of each period; column k is still that of k·step.
    lines_each : data lines of the file per row of ``frame``, for formats with a line per slot;
        lines_from : how many lines after ``line`` these begin.
    """

    frame: pl.DataFrame
    values: np.ndarray
    quality: np.ndarray
    step: int
    placing: Literal["position", "clock"] = "position"
    rows: int = 0
    by_end: bool = False
    lines_each: int = 1
    lines_from: int = 0


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Rows that each hold one reading (long and matrix layouts).

    frame : one row per reading, in file order, with columns
        line Int64, meter String?, quantity String?, unit String?,
        stamp Datetime[us] (naive, as printed; ``24:00`` of D is D+1 00:00) – null if ``instant`` is given,
        instant Datetime[us, UTC] (if the text has an offset or Z, or the layout is in UTC) – else null,
        day Date and period Int16 (settlement period from 1, in the local day) – if the file has these,
        value Float64 (null = blank), quality Int8 (0, 1, 2, 5).
        Every column is present, null if the file does not state it; only register String (as in ``DayBlock``) is
        optional.
    rows : data lines of the file in this block (a line of several meters or quantities gives several rows of
        ``frame`` with the same ``line``).
    step : minutes of each row's period, if the file prints its start and end; else derived from the timestamps.
    """

    frame: pl.DataFrame
    rows: int = 0
    step: int | None = None


@dataclass(frozen=True, slots=True)
class RecordBlock:
    """Rows that each describe one site or one meter.

    frame : one row per record, in file order: line Int64, then one String column per field of the file, by field name
        (listed in ``formats/sites.py`` and ``formats/meters.py``); null = not stated. Cells are checked and
        normalised: numbers with a decimal point, dates and instants in ISO form, ``true``/``false``.
        A column ``<something>_id`` is an outside reference.
    """

    frame: pl.DataFrame
    rows: int = 0


@dataclass(frozen=True, slots=True)
class RegisterBlock:
    """Rows that each hold one register read: a cumulative display, not usage.

    frame : one row per read, in file order, with columns
        line Int64, meter String?, quantity String?, unit String?, serial String? (verbatim), register String?,
        stamp Datetime[us] (naive, as printed) or instant Datetime[us, UTC], value Float64, quality Int8 (1, 2, 5),
        is_maximum Boolean (a maximum-demand register), is_doubtful Boolean (the source doubts the read),
        told String? (the source's own code for the type of read).
        Every column is present, null if the file does not state it.
    rows : data lines of the file in this block.
    faults : errors in lines that hold no data: counts that do not match, a missing end.
    """

    frame: pl.DataFrame
    rows: int = 0
    faults: list[LineError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TankBlock:
    """Rows that each hold a delivery into a tank, or a dip: the measured contents.

    frame : one row per entry, in file order, with columns
        line Int64, meter String?, unit String?, stamp Datetime[us] or instant Datetime[us, UTC], value Float64,
        kind String (``delivery``, ``dip``), reference String?.
    rows : data lines of the file in this block.
    """

    frame: pl.DataFrame
    rows: int = 0


Block = DayBlock | RowBlock | RecordBlock | RegisterBlock | TankBlock
BlockAndErrors = tuple[Block, list[LineError]]  # a block, and the lines that were rejected while reading it


@dataclass(slots=True)
class Recognition:
    """The format of a file, and the evidence for it.

    ``stamps`` is what the file itself declares (header words, start and end columns, a ``24:00``), ``stamps_why``
    the evidence; None if it must be derived from the readings or assumed.
    ``timezone`` is the layout's own clock, if it has one: a zone (``UTC`` for simple long) or a fixed offset
    (``UTC+10:00`` for NEM12).
    ``is_table`` is False for formats that are not lines of cells under a header. ``why_no_default_unit`` is the reason
    why kWh must not be assumed if the file names no unit; empty if it may.
    ``stamps`` and ``warnings`` can still change while the file is read (a ``24:00``, totals that disagree): use them
    after the last block.
    """

    format: str
    why: str
    sure: float  # 0 … 1
    stamps: Stamps | None = None
    stamps_why: str = ""
    timezone: str | None = None
    step: int | None = None  # minutes, if the layout states it
    is_table: bool = True
    closes_midnight: bool = False  # ends are declared to label the last interval of day D as ``D 00:00``
    why_no_default_unit: str = ""
    columns: dict[str, object] = field(default_factory=dict)  # the headings of the fields, by role
    warnings: list[str] = field(default_factory=list)
