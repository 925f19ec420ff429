"""Collect the rejected lines of a part: one reason each, the first found."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from eclectyc.readers.blocks import LineError
from eclectyc.readers.tables.dates import BadDate
from eclectyc.readers.tables.numbers import why_not_a_number
from eclectyc.readers.tables.parse_csv import CLOSING_NOTE, CsvPart


class Rejects:
    """The rejected rows of one part."""

    def __init__(self, part: CsvPart) -> None:
        self._part = part
        self._errors: dict[int, LineError] = {}
        self._skipped: set[int] = set()

    def add(self, row: int, column: str, reason: str, remedy: str) -> None:
        """Reject a row, unless it is already rejected."""
        if row not in self._errors and row not in self._skipped:
            self._errors[row] = LineError(int(self._part.lines[row]), column, reason, remedy)

    def add_moments(self, bad: Mapping[int, BadDate], column: str) -> None:
        for row, why in bad.items():
            if not self._is_closing(row):
                self.add(row, column, why.reason, why.remedy)

    def add_blank(self, cells: pl.Series, column: str, what: str, bad: Mapping[int, BadDate]) -> None:
        """Reject rows whose parsed ``cells`` are null because they are blank."""
        if cells.null_count():
            for row in np.flatnonzero(cells.is_null().to_numpy()):
                if int(row) not in bad and not self._is_closing(int(row)):
                    self.add(int(row), column, f"There is no {what}.", f"Fill in the {what}.")

    def add_numbers(self, cells: pl.DataFrame, bad: np.ndarray | None, columns: list[str]) -> None:
        """Reject rows with a cell that is not a number; ``bad`` has the shape of ``cells``."""
        if bad is None:
            return
        for row in np.flatnonzero(bad.any(axis=1)):
            n = int(bad[row].argmax())
            self.add(int(row), columns[n], *why_not_a_number(str(cells[int(row), n])))

    def _is_closing(self, row: int) -> bool:
        """Return whether the row is a line of totals, which has no date: it is skipped with a warning, not rejected."""
        if not self._part.closing[row] or row in self._errors:
            return False
        self._skipped.add(row)
        return True

    def __bool__(self) -> bool:
        return bool(self._errors or self._skipped)

    @property
    def errors(self) -> list[LineError]:
        self._part.notes.add(CLOSING_NOTE, self._part.lines[sorted(self._skipped)])
        return [self._errors[row] for row in sorted(self._errors)]

    def keep(self) -> np.ndarray:
        """Return a mask of the rows that are not rejected or skipped."""
        keep = np.ones(len(self._part), dtype=bool)
        keep[[*self._errors, *self._skipped]] = False
        return keep
