"""D0379: half-hourly advances. ``25B|MPAN|quantity|supplier|``, then ``26B|YYYYMMDD|``, then 48 × ``66L|flag|kWh|``.

The half-hours of a day are in order without times, and days are in UTC: a day without exactly 48 is rejected.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from eclectyc.kernel.identifiers import clean_identifier, has_lost_digits
from eclectyc.kernel.quality import MISSING
from eclectyc.readers.blocks import DayBlock, LineError, Recognition
from eclectyc.readers.files.source import Source, TextBlock
from eclectyc.readers.reader import NestedLines, Reader, ReadOptions
from eclectyc.readers.tables.cell_vocabulary import quantity_of
from eclectyc.readers.tables.coded_lines import CodedLines, read_cells, read_units
from eclectyc.readers.tables.file_sample import FileSample
from eclectyc.readers.tables.headings import TableColumn
from eclectyc.readers.tables.identity_columns import qualities
from eclectyc.readers.tables.numbers import number_matrix
from eclectyc.readers.tables.parse_csv import CsvPart
from eclectyc.readers.tables.rejected_lines import Rejects
from eclectyc.readers.tables.timestamp_columns import parse_dates

_METER, _DAY, _ADVANCE, _HEADER, _TRAILER = b"25B|", b"26B|", b"66L|", b"ZHV|", b"ZPT|"
_SLOTS: Final = 48
_FLAG: Final = TableColumn(1, "flag", "flag", "flag")
_AGAIN: Final = "Fetch the file again."
_RECORDS: Final = "Records are ZHV, 25B, 26B, 66L and ZPT."


class _Meter(NamedTuple):
    """A 25B record, for the lines under it; ``reason`` why they are rejected."""

    meter: str = ""
    quantity: str = ""
    unit: str = ""
    reason: str = "No 25B record above it names the meter."


class D0379(Reader):
    name = "d0379"
    kind = "readings"
    nested_lines = NestedLines(frozenset({"66L"}), b"|")

    def recognise(self, sample: FileSample) -> Recognition | None:
        lines = sample.first_lines
        header = lines[0].split("|") if lines else [""]
        if header[0] == "ZHV" and len(header) > 2 and header[2].startswith("D0379"):
            why, sure = f"the header names the flow {header[2][:12]}", 1.0
        elif header[0] == "25B" and len(lines) > 1 and lines[1].startswith("26B|"):
            why, sure = "a 25B record, then a 26B record, without a header", 0.95
        else:
            return None
        return Recognition(
            self.name,
            why,
            sure,
            stamps="start",
            stamps_why="half-hours are in order from the start of the day",
            timezone="UTC",
            step=30,
            is_table=False,
        )

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[DayBlock, list[LineError]]]:
        meter, is_ended = _Meter(), False
        for block in read_units(source, (_METER, _DAY, _HEADER, _TRAILER), b"|"):
            lines = CodedLines.from_block(block)
            known, of_line = _meters(lines, meter, block.errors)
            meter = known[-1]
            for n in np.flatnonzero(lines.starting_with(_TRAILER) | lines.starting_with(_ADVANCE))[-1:].tolist():
                is_ended = lines.line(n, 4) == "ZPT|"
            yield _convert(block, lines, known, of_line)
        if not is_ended:
            recognition.warnings.append("The file has no ZPT record at its end: it may be cut off.")


def _meters(lines: CodedLines, above: _Meter, errors: list[LineError]) -> tuple[list[_Meter], np.ndarray]:
    """Return the meter at the block's start and those named in it, and which of these each line is under."""
    is_head = lines.starting_with(_METER) | lines.starting_with(_HEADER) | lines.starting_with(_TRAILER)
    is_lost = lines.unidentified(is_head | lines.starting_with(_DAY) | lines.starting_with(_ADVANCE), errors)
    heads = np.flatnonzero(is_head | is_lost)
    known = [
        above,
        *(_unreadable(int(lines.numbers[n])) if is_lost[n] else _parse_meter(lines.line(n)) for n in heads.tolist()),
    ]
    return known, np.searchsorted(heads, np.arange(len(lines)), side="right")


def _unreadable(line: int) -> _Meter:
    return _Meter(reason=f"Line {line} above it cannot be read: it may have named another meter.")


@lru_cache(4096)
def _parse_meter(record: str) -> _Meter:
    cells = record.split("|")
    if cells[0] != "25B":
        return _Meter()
    if len(cells) < 4:
        return _Meter(reason=f"The 25B record above it is cut off: {record[:40]!r}.")
    meter, quantity = clean_identifier(cells[1]), quantity_of(cells[2])
    if not meter or has_lost_digits(cells[1]):
        return _Meter(reason=f"The 25B record above it names no meter: {record[:40]!r}.")
    if quantity is None:
        return _Meter(reason=f"The 25B record above it has an unknown quantity: {cells[2][:20]!r}.")
    return _Meter(meter, quantity, "kVArh" if quantity.startswith("reactive") else "kWh", "")


def _convert(
    block: TextBlock, lines: CodedLines, known: list[_Meter], of_line: np.ndarray
) -> tuple[DayBlock, list[LineError]]:
    is_day, is_advance = lines.starting_with(_DAY), lines.starting_with(_ADVANCE)
    days, at = np.flatnonzero(is_day), np.flatnonzero(is_advance)
    others = lines.starting_with(_METER) | lines.starting_with(_HEADER) | lines.starting_with(_TRAILER)
    heads = np.flatnonzero(is_day | others)
    nth = np.searchsorted(heads, at) - 1
    under = heads[nth] if len(heads) else np.zeros(len(at), np.int64)
    is_placed = (nth >= 0) & is_day[under] if len(at) else np.zeros(0, dtype=bool)
    day_of = np.where(is_placed, np.searchsorted(days, under), -1)
    counts = np.bincount(day_of[is_placed], minlength=len(days))
    printed, reasons = _days(lines, is_day, known, of_line[days], counts)
    is_known = is_day | is_advance | others
    errors = [*block.errors, *lines.unknown_lines(is_known, "is not a D0379 record.", _RECORDS)]
    bad_days = np.array([bool(reason) for reason in reasons], dtype=bool)
    wrong = ~is_placed
    wrong[is_placed] = bad_days[day_of[is_placed]]
    for n in np.flatnonzero(wrong).tolist():
        reason = reasons[day_of[n]] if is_placed[n] else "No 26B record above it names the day."
        errors.append(LineError(int(lines.numbers[at[n]]), "", reason, _AGAIN))
    good, whole = ~wrong, ~bad_days
    values, quality, rejected = _advances(lines, at[good])
    frame = pl.DataFrame(
        {
            "line": lines.numbers[days[whole]],
            **{
                name: pl.Series([getattr(one, name) for one in known], dtype=pl.String)[of_line[days[whole]]]
                for name in ("meter", "quantity", "unit")
            },
            "day": printed.filter(pl.Series(whole)),
        }
    )
    rows = int(good.sum()) - len({error.line for error in rejected})
    values, quality = values.reshape(-1, _SLOTS), quality.reshape(-1, _SLOTS)
    whole_days = DayBlock(frame, values, quality, 30, "position", rows, lines_each=_SLOTS, lines_from=1)
    return whole_days, sorted([*errors, *rejected], key=lambda error: error.line)


def _days(
    lines: CodedLines, is_day: np.ndarray, known: list[_Meter], of_day: np.ndarray, counts: np.ndarray
) -> tuple[pl.Series, list[str]]:
    """Return the date of each 26B record, and why the lines under it are rejected (empty: they are not)."""
    cells = lines.as_series(is_day)
    parsed = parse_dates(cells.str.split("|").list.get(1, null_on_oob=True), "26B")
    numbers = lines.numbers[is_day].tolist()
    reasons = []
    for n, (line, count, meter) in enumerate(zip(numbers, counts.tolist(), of_day.tolist(), strict=True)):
        reason = known[meter].reason
        if not reason and parsed.values[n] is None:
            reason = f"The 26B record in line {line} has no valid date: {cells[n][:40]!r}."
        if not reason and count != _SLOTS:
            reason = f"The day of line {line} has {count} half-hours, not 48, so their times are unknown."
        reasons.append(reason)
    return parsed.values, reasons


def _advances(lines: CodedLines, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[LineError]]:
    """Return the value and quality of each 66L record, in order, and the rejected ones."""
    values, quality = np.full(len(at), np.nan), np.full(len(at), MISSING, np.int8)
    is_whole = (lines.field_counts(b"|")[at] == 4) & (lines.text[lines.ends[at] - 1] == ord("|"))
    errors = [
        LineError(line, "", "The 66L record is cut off, or has more than a flag and a value.", _AGAIN)
        for line in lines.numbers[at[~is_whole]].tolist()
    ]
    is_chosen = np.zeros(len(lines), dtype=bool)
    is_chosen[at[is_whole]] = True
    frame, typed = read_cells(lines.text_of(is_chosen), "|", 4, (2,))
    part = CsvPart(frame, lines.numbers[at[is_whole]], typed, np.zeros(len(frame), dtype=bool))
    rejects = Rejects(part)
    numbers, bad = number_matrix(frame, ["2"], set())
    rejects.add_numbers(frame.select("2"), bad, ["kWh"])
    flags = qualities(part, _FLAG, rejects).to_numpy()
    keep = rejects.keep()
    values[is_whole] = np.where(keep, numbers[:, 0], np.nan)
    quality[is_whole] = np.where(keep & ~np.isnan(numbers[:, 0]), flags, np.int8(MISSING))
    return values, quality, errors + rejects.errors
