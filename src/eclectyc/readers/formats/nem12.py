"""NEM12: Australia's interval data. Rows 100 (header), 200 (a stream), 300 (a day of the stream), 400 (quality of some
intervals of the day above), 500 (skipped) and 900 (end).

Value k of a 300 row is the k-th interval after midnight in market time, UTC+10 all year. A stream's suffix is what it
measures: E import, B export, Q and K reactive energy; its second character is the register, which is stored separately.
Quality A is actual, S, F and E estimated, N no value, V as in the 400 rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.quality import MISSING
from eclectyc.kernel.units import conversion
from eclectyc.readers.blocks import DayBlock, LineError, Recognition, UnreadableFile
from eclectyc.readers.files.source import Source, TextBlock
from eclectyc.readers.formats.nem12_quality import PART, QualityParts, interval_quality, read_parts
from eclectyc.readers.reader import NestedLines, Reader, ReadOptions
from eclectyc.readers.tables.coded_lines import CodedLines, read_cells, read_units
from eclectyc.readers.tables.file_sample import FileSample
from eclectyc.readers.tables.identity_columns import nulls
from eclectyc.readers.tables.numbers import number_matrix
from eclectyc.readers.tables.parse_csv import CsvPart
from eclectyc.readers.tables.rejected_lines import Rejects
from eclectyc.readers.tables.timestamp_columns import parse_dates

MARKET_TIME: Final = "UTC+10:00"
STEPS: Final = (5, 15, 30)  # minutes
_QUANTITIES: Final = {"E": "import", "B": "export", "Q": "reactive_import", "K": "reactive_export"}
_UNITS: Final = {"E": "kWh", "B": "kWh", "Q": "kVArh", "K": "kVArh"}
_HEADER, _STREAM, _DAY, _EVENT, _END = b"100,", b"200,", b"300,", b"500,", b"900"
_BEFORE, _AFTER = 2, 4  # fields before the values, and at most after their quality
_PADDING: Final = re.compile(rb"(?<!,),+\n")  # a spreadsheet pads all lines to the longest


class Stream(NamedTuple):
    """A 200 row, for the days under it; ``reason`` why they are rejected."""

    meter: str = ""
    quantity: str = ""
    register: str = ""
    unit: str = ""
    step: int = 0
    reason: str = "There is no 200 row above it."
    remedy: str = "Fetch the file again: each day needs a 200 row above it."


@dataclass(slots=True)
class _Nem12State:
    """State carried from block to block."""

    stream: Stream = field(default_factory=Stream)
    is_ended: bool = False


class Nem12(Reader):
    name = "nem12"
    kind = "readings"
    nested_lines = NestedLines(frozenset({"300", "400", "500"}), b",")

    def recognise(self, sample: FileSample) -> Recognition | None:
        rows = [line.replace('"', "").split(",") for line in sample.first_lines]
        if not rows or rows[0][0].strip() not in ("100", "200"):
            return None
        if rows[0][0].strip() == "200":
            if len(rows[0]) >= 9 and any(row[0].strip() == "300" for row in rows):
                raise UnreadableFile(
                    f"{sample.name} looks like NEM12, but has no 100 row at its start.",
                    "Fetch the whole file again: it begins with 100,NEM12 and ends with 900.",
                )
            return None
        if len(rows[0]) < 2 or rows[0][1].strip().upper() != "NEM12":
            return None
        return Recognition(
            self.name,
            "the first row is 100,NEM12",
            1.0,
            stamps="start",
            stamps_why="value k of a row is the k-th interval after midnight",
            timezone=MARKET_TIME,
            is_table=False,
        )

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[DayBlock, list[LineError]]]:
        state = _Nem12State()
        for block in read_units(source, (_HEADER, _STREAM, _DAY, _END), b","):
            yield from _convert(block, state, source.name)
        if not state.is_ended:
            recognition.warnings.append("The file has no 900 row at its end: it may be cut off.")


def _convert(block: TextBlock, state: _Nem12State, name: str) -> Iterator[tuple[DayBlock, list[LineError]]]:
    if b",,,,,,,,\n" in block.text:
        block = TextBlock(_PADDING.sub(b"\n", block.text), block.first_line, block.lines, block.errors)
    lines = CodedLines.from_block(block)
    is_day, is_part = lines.starting_with(_DAY), lines.starting_with(PART)
    is_known = is_day | is_part
    for code in (_HEADER, _STREAM, _EVENT, _END):
        is_known |= lines.starting_with(code)
    streams, of_line = _streams(lines, state, name, lines.unidentified(is_known, block.errors))
    at = np.flatnonzero(is_day)
    parts, errors = read_parts(lines, is_part, is_day, np.isin(np.arange(len(lines)), of_line.heads))
    errors += block.errors
    errors += lines.unknown_lines(is_known, "is not a NEM12 row.", "Rows are 100, 200, 300, 400, 500 and 900.")
    stream = of_line.stream[at]
    steps = np.array([one.step for one in streams])[stream]
    fields = lines.field_counts(b",")[at]
    expected = np.where(steps > 0, 1440 // np.maximum(steps, 1), 0) + _BEFORE + 1
    sound = (steps > 0) & (fields >= expected) & (fields <= expected + _AFTER)
    for n in np.flatnonzero(~sound).tolist():
        errors.append(_unsound(int(lines.numbers[at[n]]), streams[stream[n]], int(fields[n]), int(expected[n])))
    for step, width in sorted(set(zip(steps[sound].tolist(), fields[sound].tolist(), strict=True))):
        same = np.flatnonzero(sound & (steps == step) & (fields == width))
        days, odd = _days(lines, at[same], stream[same], streams, parts.for_days(at[same]), step, width)
        yield days, odd + errors
        errors = []
    if errors:
        yield _empty_block(), errors


class _LineStreams(NamedTuple):
    """stream : which of the streams each line belongs to, shape (lines,). heads : lines that open or close one."""

    stream: np.ndarray
    heads: np.ndarray


def _streams(
    lines: CodedLines, state: _Nem12State, name: str, is_lost: np.ndarray
) -> tuple[list[Stream], _LineStreams]:
    """Return the block's streams, that of the block before first, and which of them each line belongs to.

    is_lost : lines that may have been a 200 row, so that the meter of the days under them is unknown.
    """
    is_head, is_stream, is_end = (lines.starting_with(code) for code in (_HEADER, _STREAM, _END))
    heads = np.flatnonzero(is_head | is_stream | is_end | is_lost)
    streams = [state.stream]
    for n in heads.tolist():
        if is_lost[n]:
            streams.append(
                Stream(reason=f"Line {lines.numbers[n]} above it cannot be read: it may have been a 200 row.")
            )
            continue
        text = lines.line(n)
        if is_head[n] and text.split(",")[1].strip().upper() != "NEM12":
            raise UnreadableFile(
                f"Line {lines.numbers[n]} of {name} begins another kind of file: {text[:40]!r}.",
                "Import each separately.",
            )
        streams.append(_parse_stream(text) if is_stream[n] else Stream())
        state.is_ended = bool(is_end[n])
    state.stream = streams[-1]
    return streams, _LineStreams(np.searchsorted(heads, np.arange(len(lines)), side="right"), heads)


@lru_cache(4096)
def _parse_stream(text: str) -> Stream:
    """Parse a 200 row: meter, configuration, register, suffix, data stream, serial, unit, interval."""
    cells = [cell.strip() for cell in text.split(",", 10)]
    if len(cells) < 9:
        return _faulty(text, f"has {len(cells)} fields, not 9 or 10", "Fetch the file again.")
    meter, suffix, unit, interval = cells[1].upper(), cells[4].upper(), cells[7], cells[8]
    if not re.fullmatch("[0-9A-Z]{10,11}", meter):
        return _faulty(text, f"has {cells[1][:40]!r}, which is not an NMI", "An NMI has 10 or 11 letters and digits.")
    if not re.fullmatch("[EBQK][0-9A-Z]?", suffix):
        return _faulty(text, f"has the unknown suffix {cells[4][:20]!r}", "Suffixes are E, B, Q and K with a register.")
    if interval not in {str(step) for step in STEPS}:
        return _faulty(
            text, f"has intervals of {interval[:20]!r} minutes", "NEM12 has intervals of 5, 15 or 30 minutes."
        )
    try:
        measured = conversion(unit).unit
    except Invalid as fault:
        return _faulty(text, f"has the unknown unit {unit[:20]!r}", fault.remedy)
    if measured != _UNITS[suffix[0]]:
        expected = _UNITS[suffix[0]]
        return _faulty(
            text, f"has the unit {unit!r}, but its suffix {suffix} measures {expected}", "Correct one of them."
        )
    return Stream(meter, _QUANTITIES[suffix[0]], suffix, unit, int(interval), "", "")


def _faulty(text: str, what: str, remedy: str) -> Stream:
    shown = ",".join(text.split(",", 5)[:5])[:60]
    return Stream(reason=f"The 200 row above it ({shown}) {what}.", remedy=remedy)


def _unsound(line: int, stream: Stream, fields: int, expected: int) -> LineError:
    if not stream.step:
        return LineError(line, "", stream.reason, stream.remedy)
    values = 1440 // stream.step
    return LineError(
        line,
        "",
        f"The row has {fields} fields; a date, {values} values and a quality make {expected} to {expected + _AFTER}.",
        "The row may be cut off, or its intervals are not those of its 200 row: fetch the file again.",
    )


def _days(
    lines: CodedLines,
    at: np.ndarray,
    stream: np.ndarray,
    streams: list[Stream],
    parts: QualityParts,
    step: int,
    width: int,
) -> tuple[DayBlock, list[LineError]]:
    """Convert 300 rows that have one step and one number of fields."""
    is_chosen = np.zeros(len(lines), dtype=bool)
    is_chosen[at] = True
    values_at = range(_BEFORE, _BEFORE + 1440 // step)
    frame, typed = read_cells(lines.text_of(is_chosen), ",", width, values_at)
    part = CsvPart(frame, lines.numbers[at], typed, np.zeros(len(at), dtype=bool))
    rejects = Rejects(part)
    days = parse_dates(part.column(1), "date")
    rejects.add_moments(days.bad, "date")
    rejects.add_blank(days.values, "date", "date", days.bad)
    names = [str(n) for n in values_at]
    values, bad = number_matrix(frame, names, set())
    rejects.add_numbers(frame.select(names), bad, [f"interval {n - _BEFORE + 1}" for n in values_at])
    quality = interval_quality(part, part.column(values_at.stop), parts, len(values_at), rejects)
    quality[np.isnan(values)] = MISSING
    values = np.where(quality == MISSING, np.nan, values)
    keep = rejects.keep()
    of_row = {
        name: pl.Series([getattr(one, name) for one in streams], dtype=pl.String)[stream]
        for name in ("meter", "quantity", "unit", "register")
    }
    days_frame = pl.DataFrame({"line": part.lines, **of_row, "day": days.values})
    if not keep.all():
        days_frame, values, quality = days_frame.filter(pl.Series(keep)), values[keep], quality[keep]
    return DayBlock(days_frame, values, quality, step, "position", len(days_frame)), rejects.errors


def _empty_block() -> DayBlock:
    words = {name: nulls(0, pl.String) for name in ("meter", "quantity", "unit", "register")}
    frame = pl.DataFrame({"line": nulls(0, pl.Int64), **words, "day": nulls(0, pl.Date)})
    return DayBlock(frame, np.empty((0, 48)), np.empty((0, 48), np.int8), 30)
