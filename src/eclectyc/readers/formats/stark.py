"""Stark DF2: ``#F2``, then ``#O <MPAN>[-suffix]`` and ``#S n`` over lines ``dd/mm/yyyy,HH:MM,value,flag``.

Stamps are period ends in UTC. Sensors 1 and 2 are active energy in the direction of the metering point, 3 is reactive
import, 4 reactive export.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from eclectyc.kernel.identifiers import clean_identifier, has_lost_digits
from eclectyc.kernel.quality import MISSING
from eclectyc.readers.blocks import LineError, Recognition, RowBlock
from eclectyc.readers.files.source import Source, TextBlock
from eclectyc.readers.formats.long import COLUMNS
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.tables.coded_lines import CodedLines, read_cells
from eclectyc.readers.tables.file_sample import FileSample
from eclectyc.readers.tables.headings import TableColumn
from eclectyc.readers.tables.identity_columns import nulls, qualities
from eclectyc.readers.tables.numbers import number_matrix
from eclectyc.readers.tables.parse_csv import CsvPart
from eclectyc.readers.tables.rejected_lines import Rejects
from eclectyc.readers.tables.timestamp_columns import parse_dates, parse_times

_ACTIVE: Final = ("1", "2")
_SENSORS: Final = {
    "1": (None, "kWh"),
    "2": (None, "kWh"),
    "3": ("reactive_import", "kVArh"),
    "4": ("reactive_export", "kVArh"),
}
_FIELDS: Final = 4
_EXPECTED: Final = "date, time, value and flag"
_FETCH_AGAIN: Final = "The file may be cut off or damaged: fetch it again."
_FLAG: Final = TableColumn(3, "flag", "flag", "flag")


@dataclass(frozen=True, slots=True)
class _Context:
    """The meter and sensor named by the ``#`` lines above a reading; ``reason`` why it is rejected."""

    meter: str = ""
    sensor: str = ""
    sensors: tuple[str, ...] = ()  # the outstation's sensors so far
    reason: str = "No #O line above it names the meter."

    def after(self, line: str) -> _Context:
        """Return the context after one more ``#`` line."""
        word, rest = line[:2].upper(), line[2:].rstrip(", ").strip()
        if word == "#O":
            meter = clean_identifier(rest.split("-")[0])
            if not meter or has_lost_digits(rest):
                return _Context(reason=f"The #O line above it names no meter: {line[:40]!r}.")
            return _Context(meter, reason="No #S line above it names the sensor.")
        if word == "#S":
            sensor = rest.lstrip("0")
            if sensor not in _SENSORS:
                return _Context(
                    self.meter, "", self.sensors, f"The sensor above it is not one of 1 to 4: {line[:40]!r}."
                )
            return _Context(self.meter, sensor, (*self.sensors, sensor)[-8:], "" if self.meter else self.reason)
        if word == "#F":
            return _Context()
        return _Context(reason=f"The line above it may have named another meter or sensor: {line[:40]!r}.")


class Stark(Reader):
    name = "stark"
    kind = "readings"

    def recognise(self, sample: FileSample) -> Recognition | None:
        if not sample.first_lines or sample.first_lines[0].upper().rstrip(", ") != "#F2":
            return None
        return Recognition(
            "Stark DF2",
            "the first line is #F2",
            1.0,
            stamps="end",
            stamps_why="DF2 stamps are period ends",
            timezone="UTC",
            step=30,
            is_table=False,
        )

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[RowBlock, list[LineError]]]:
        above = _Context()
        both: dict[str, None] = {}
        for block in source.blocks():
            lines = CodedLines.from_block(block)
            headed, of_line = _contexts(lines, above, block.errors)
            above = headed[-1]
            if len(both) < 20:
                both |= dict.fromkeys(one.meter for one in headed if set(_ACTIVE) <= set(one.sensors))
            yield _convert(block, lines, headed, of_line)
        recognition.warnings += [
            f"Meter {meter} has both active sensors, 1 and 2; both are read as active energy in its own direction. "
            "If one of them is export, import it separately with --quantity export."
            for meter in both
        ]


def _contexts(lines: CodedLines, above: _Context, errors: list[LineError]) -> tuple[list[_Context], np.ndarray]:
    """Return the contexts at the block's start and after each of its ``#`` lines, and the index of each line's context.

    A line of one cell that is not a ``#`` line may be a damaged one, and starts an unknown context.
    """
    is_head = lines.starting_with(b"#")
    is_reading = is_head | (lines.field_counts(b",") > 1)
    for n in np.flatnonzero(is_reading & ~is_head & ~lines.starting_with_digit()).tolist():
        is_reading[n] = bool(lines.line(n).partition(",")[2].strip(", "))
    heads = np.flatnonzero(is_head | lines.unidentified(is_reading, errors))
    known = [above]
    for n in heads.tolist():
        known.append(known[-1].after(lines.line(n)))
    return known, np.searchsorted(heads, np.arange(len(lines)), side="right")


def _convert(
    block: TextBlock, lines: CodedLines, headed: list[_Context], of_line: np.ndarray
) -> tuple[RowBlock, list[LineError]]:
    is_reading = ~(lines.starting_with(b"#") | lines.blank())
    fields = lines.field_counts(b",")
    is_known = np.array([not one.reason for one in headed])[of_line]
    is_known[np.flatnonzero(np.diff(of_line, prepend=0) > 0)] = True  # the damaged line itself gets its own error
    errors = [
        LineError(int(lines.numbers[n]), "", headed[of_line[n]].reason, _FETCH_AGAIN)
        for n in np.flatnonzero(is_reading & ~is_known).tolist()
    ]
    errors += [
        LineError(int(lines.numbers[n]), "", f"The line has {fields[n]} fields, not 4: {_EXPECTED}.", _FETCH_AGAIN)
        for n in np.flatnonzero(is_reading & is_known & (fields != _FIELDS)).tolist()
    ]
    accepted = is_reading & is_known & (fields == _FIELDS)
    frame, typed = read_cells(lines.text_of(accepted), ",", _FIELDS, (2,))
    part = CsvPart(frame, lines.numbers[accepted], typed, np.zeros(len(frame), dtype=bool))
    rows, rejected = _rows(part, headed, of_line[accepted])
    return rows, sorted([*block.errors, *errors, *rejected], key=lambda error: error.line)


def _rows(part: CsvPart, headed: list[_Context], of_row: np.ndarray) -> tuple[RowBlock, list[LineError]]:
    rejects = Rejects(part)
    days, clocks = parse_dates(part.column(0), "date"), parse_times(part.column(1), "time")
    for cells, name in ((days, "date"), (clocks, "time")):
        rejects.add_moments(cells.bad, name)
        rejects.add_blank(cells.values, name, name, cells.bad)
    values, bad = number_matrix(part.frame, ["2"], set())
    rejects.add_numbers(part.frame.select("2"), bad, ["value"])
    flags = part.column(3)
    rejects.add_blank(flags.set(flags.str.strip_chars() == "", None), "flag", "flag", {})
    value, rows = pl.Series(values[:, 0], nan_to_null=True), len(part)
    measured = [_SENSORS.get(one.sensor, (None, "")) for one in headed]
    identities: dict[str, list[str | None]] = {
        "meter": [one.meter for one in headed],
        "quantity": [quantity for quantity, _ in measured],
        "unit": [unit for _, unit in measured],
    }
    frame = pl.DataFrame(
        {
            "line": part.lines,
            **{name: pl.Series(cells, dtype=pl.String)[of_row] for name, cells in identities.items()},
            "stamp": days.values.cast(pl.Datetime("us")) + clocks.values,
            "instant": nulls(rows, pl.Datetime("us", "UTC")),
            "day": nulls(rows, pl.Date),
            "period": nulls(rows, pl.Int16),
            "value": value,
            "quality": qualities(part, _FLAG, rejects).set(value.is_null(), MISSING),
        }
    ).select(COLUMNS)
    keep = rejects.keep()
    return RowBlock(frame if keep.all() else frame.filter(pl.Series(keep)), int(keep.sum())), rejects.errors
