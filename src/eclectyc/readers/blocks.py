"""What a format reader hands on: blocks of rows, still as the file prints them.

A reader knows the file's shape and nothing else: no registry, no lake, no time zone of any site. It yields
blocks in file order; whoever places them turns printed stamps into local days and slots. A file can turn out
to be unreadable at any block (``UnreadableFile``): nothing of it may be stored before the last one came.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from eclectyc.kernel.errors import EclectycError

if TYPE_CHECKING:
    from eclectyc.intake.profiles.profile_reader import ProfileReader

Stamps = Literal["start", "end"]

MAX_REPORTED_ERRORS = 100  # more go to a file


class UnreadableFile(EclectycError):
    """A file that is refused whole: what was found, and what was wanted."""

    code = "unreadable_file"


def changed_since_recognised(name: str, layout: str) -> UnreadableFile:
    """The file was recognised, and when it was read it no longer looked so: it was replaced in between."""
    return UnreadableFile(f"{name} is no longer the {layout} file that was recognised.", "Import it again.")


@dataclass(frozen=True, slots=True)
class LineError:
    """A line that was not taken: where, why, and what to do. ``line`` counts the file's own lines from 1."""

    line: int
    column: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class DayBlock:
    """Rows that each hold one local day of one meter (wide and daily layouts).

    frame : one row per meter-day, in file order, with columns
        line Int64, meter String (cleaned; null where the file names none), quantity String (``import`` …;
        null = not said), unit String (as printed; null = not said), day Date, and where a meter's registers come
        apart register String (its name; null or no column = the whole of the quantity).
    values : shape (rows, slots), float64; NaN = no value. Slots beyond the day's own are NaN.
    quality : shape (rows, slots), int8: 0 missing, 1 actual, 2 estimated, 5 unflagged (kernel.quality).
    step : minutes per slot (1440: ``values`` has one column).
    placing : ``position`` – column k is slot k of the local day; ``clock`` – column k is the local clock time
        k·step (48 columns also on clock-change days). Whole days are always ``position``.
    rows : how many of the file's data lines this block took.
    by_end : the clock times that head the columns are the ends of their periods; column k is still that of k·step.
    lines_each : how many of the file's data lines a row of ``frame`` stands for, where a slot has a line of its own;
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
        stamp Datetime[us] (naive, as printed; ``24:00`` of D is D+1 00:00) – null where ``instant`` is given,
        instant Datetime[us, UTC] (where the text carried an offset or Z, or the layout is in UTC) – else null,
        day Date and period Int16 (settlement period from 1, in the local day) – where the file has these,
        value Float64 (null = blank), quality Int8 (0, 1, 2, 5).
        Every column is always there; null where the file does not say. Only register String (as in ``DayBlock``) may
        be left out.
    rows : how many of the file's data lines this block took (a line of several meters or quantities gives
        several rows of ``frame``, with the same ``line``).
    step : minutes of each row's period, where the file prints its start and end; else the stamps tell it.
    """

    frame: pl.DataFrame
    rows: int = 0
    step: int | None = None


@dataclass(frozen=True, slots=True)
class RecordBlock:
    """Rows that each describe one site or one meter.

    frame : one row per record, in file order: line Int64, then one String column per field the file has, by
        field name (``formats/sites.py``, ``formats/meters.py`` list them); null = not said. Cells are checked
        and plain: numbers with a decimal point, dates and instants in ISO form, ``true``/``false``.
        A column ``<something>_id`` is an outside reference.
    """

    frame: pl.DataFrame
    rows: int = 0


@dataclass(frozen=True, slots=True)
class RegisterBlock:
    """Rows that each hold what a register showed at a moment: cumulative, not use.

    frame : one row per read, in file order, with columns
        line Int64, meter String?, quantity String?, unit String?, serial String? (verbatim), register String?,
        stamp Datetime[us] (naive, as printed) or instant Datetime[us, UTC], value Float64, quality Int8 (1, 2, 5),
        is_maximum Boolean (a register of maximum demand), is_doubtful Boolean (the source itself doubts the read),
        told String? (the source's own word for the kind of read).
        Every column is always there; null where the file does not say.
    rows : how many of the file's data lines this block took.
    faults : what is wrong with lines that hold no data: counts that do not fit, a missing end.
    """

    frame: pl.DataFrame
    rows: int = 0
    faults: list[LineError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TankBlock:
    """Rows that each hold a delivery into a tank, or a dip: what was left in it.

    frame : one row per entry, in file order, with columns
        line Int64, meter String?, unit String?, stamp Datetime[us] or instant Datetime[us, UTC], value Float64,
        kind String (``delivery``, ``dip``), reference String?.
    rows : how many of the file's data lines this block took.
    """

    frame: pl.DataFrame
    rows: int = 0


Block = DayBlock | RowBlock | RecordBlock | RegisterBlock | TankBlock


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the person said about the file. ``type`` is the ``-t`` option; the others fill in what a file leaves out."""

    type: str = "auto"
    meter: str = ""
    unit: str = ""
    quantity: str = ""
    sheet: str = ""  # of a workbook
    reader: ProfileReader | None = None  # that a profile declares; none other is asked


@dataclass(slots=True)
class Recognition:
    """Which format a file is in, and why one may think so.

    ``stamps`` is what the file itself declares (header words, start and end columns, a ``24:00``), with the
    evidence in ``stamps_why``; None where interior evidence or an assumption must settle it.
    ``timezone`` is the layout's own clock where it has one: a zone (``UTC`` for simple long) or a fixed offset
    (``UTC+10:00`` for NEM12); else None.
    ``is_table`` is False for formats that are no lines of cells under a header. ``unit_to_be_told`` says why a file
    that names no unit must not be taken for kWh; empty where it may.
    ``stamps`` and ``warnings`` can still grow while the file is read (a ``24:00``, totals that disagree):
    take them when the last block has come.
    """

    format: str
    why: str
    sure: float  # 0 … 1
    stamps: Stamps | None = None
    stamps_why: str = ""
    timezone: str | None = None
    step: int | None = None  # minutes, where the layout says so
    is_table: bool = True
    closes_midnight: bool = False  # ends are declared to label the last interval of day D as ``D 00:00``
    why_no_default_unit: str = ""
    columns: dict[str, object] = field(default_factory=dict)  # what the reader needs to find its fields again
    warnings: list[str] = field(default_factory=list)
