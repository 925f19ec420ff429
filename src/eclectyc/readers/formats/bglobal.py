"""BGlobal: days without a header – MPAN, an unused cell, dd/mm/yyyy, then values without flags.

Cell i, from 0, is the half-hour that starts 30·(i − 3) minutes after midnight. The sender does not state the time zone:
a spring day with values in the skipped hour shows that it is GMT, as for any columns headed by clock times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from eclectyc.kernel.identifiers import clean_identifier
from eclectyc.readers.blocks import DayBlock, LineError, Recognition, changed_since_recognised
from eclectyc.readers.files.source import Source
from eclectyc.readers.formats.wide import find_layout, read_days
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.tables.file_sample import FileSample, TableSample, sample_of
from eclectyc.readers.tables.numbers import parse_number

_BEFORE: Final = 3  # cells before the values
_FEWEST, _USUAL, _MOST = 46, 48, 50  # values of a day
_SAMPLE: Final = 50  # lines
_DATE: Final = re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}")
_MPAN: Final = re.compile(r"[0-9]{13}")


class BGlobal(Reader):
    name = "bglobal"
    kind = "readings"

    def recognise(self, sample: FileSample) -> Recognition | None:
        rows = _rows(sample.table)
        fitting = [row for row in rows if _is_day(row)]
        if not fitting or fitting[0] is not rows[0] or max(len(row) for row in fitting) < _BEFORE + _FEWEST:
            return None
        return Recognition(
            self.name,
            "no header; MPAN, an unused cell, a date and half-hours in each row",
            0.95 * len(fitting) / len(rows),
            stamps="start",
            stamps_why="cell i starts 30·(i − 3) minutes after midnight",
            step=30,
            is_table=False,
        )

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[DayBlock, list[LineError]]]:
        table = sample_of(source).table
        rows = _rows(table)
        layout = find_layout(_table(rows, table.delimiter))
        if layout is None:
            raise changed_since_recognised(source.name, self.name)
        # Without a header, if all lines have one length, a shorter one is cut off.
        yield from read_days(source, layout, recognition.warnings, ends_blank=len({len(row) for row in rows[:-1]}) > 1)


def _rows(table: TableSample) -> list[list[str]]:
    """Return the first lines, of which the sample took the first as a header."""
    return [table.names, *table.rows[:_SAMPLE]]


def _is_day(row: list[str]) -> bool:
    values = row[_BEFORE : _BEFORE + _MOST]
    return (
        len(values) > 0
        and not any(row[_BEFORE + _MOST :])
        and bool(_MPAN.fullmatch(clean_identifier(row[0])))
        and bool(_DATE.fullmatch(row[2]))
        and any(values)
        and all(not cell or parse_number(cell) is not None for cell in values)
    )


def _table(rows: list[list[str]], delimiter: str) -> TableSample:
    """Return the first lines under the header that the file does not have."""
    is_long = any(any(row[_BEFORE + _USUAL :]) for row in rows if _is_day(row))
    clocks = [f"{k // 2:02}:{k % 2 * 30:02}" for k in range(_MOST if is_long else _USUAL)]
    names = ["MPAN", "", "Date", *clocks]
    padding = max(len(row) for row in rows) - len(names)
    return TableSample(delimiter, names, 0, rows, max(padding, 0) if len({len(row) for row in rows}) == 1 else 0)
