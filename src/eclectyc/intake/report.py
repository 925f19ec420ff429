"""The report of an import: counts, warnings and rejected lines."""

from __future__ import annotations

import csv
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from eclectyc.kernel.plurals import counted
from eclectyc.kernel.spreadsheet_safety import safe
from eclectyc.readers.blocks import MAX_REPORTED_ERRORS, LineError
from eclectyc.readers.line_ranges import RANGES_SUFFIX, count_lines, merge_ranges, ranges_from_lines, write_ranges

if TYPE_CHECKING:
    from eclectyc.lake.write import WriteResult

CLEAN, SOME_REJECTED, NOTHING_USABLE = 0, 1, 2  # exit codes
MAX_LIKE_WARNINGS = 20
STORED_SERIES: Final = 2000  # of a report in the registry; the printed one has them all
REPORT_FILES: Final = ("errors_file", "lines_file")  # fields of a report that name a file, which goes with it


class ErrorLog:
    """Keeps the first errors in memory and writes the rest to a file; and to another file the lines that one error
    covers beside its own.

    Without a folder (a command's dry run writes nothing) they are only counted.
    """

    def __init__(self, folder: Path | None) -> None:
        self.first: list[LineError] = []
        self.count = 0
        self.path: Path | None = None
        self.lines_path: Path | None = None
        self._lines: set[int] = set()
        self._spans: list[np.ndarray] = []
        self._folder = folder
        self._file: IO[str] | None = None
        self._rows: Any = None

    def extend(self, errors: Iterable[LineError], *, counts_lines: bool = True) -> None:
        """Add errors. ``counts_lines`` is False if :meth:`cover_lines` counts their lines."""
        for error in errors:
            self.count += 1
            if counts_lines:
                self._lines.add(error.line)
            if len(self.first) < MAX_REPORTED_ERRORS:
                self.first.append(error)
            elif self._folder is not None:
                self._write(error, self._folder)

    @property
    def lines(self) -> int:
        """The number of lines with at least one error, those covered by another line's error included."""
        own = ranges_from_lines(np.fromiter(self._lines, np.int64, len(self._lines)))
        return count_lines(merge_ranges(np.concatenate([own, *self._spans])))

    def cover_lines(self, lines: np.ndarray, each: int = 1) -> None:
        """Record the lines that one error covers. each : how many lines from each number on."""
        self._spans.append(ranges_from_lines(lines, each))

    def __enter__(self) -> ErrorLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the files; a failed import leaves none behind."""
        self.close()
        for path in (self.path, self.lines_path) if kind is not None else ():
            if path:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._file:
            self._file.close()
        if self._spans and self._folder is not None and self.lines_path is None:
            self.lines_path = self._new_file(self._folder, f"import-lines-{secrets.token_hex(6)}{RANGES_SUFFIX}")
            write_ranges(self.lines_path, np.concatenate(self._spans))

    def _write(self, error: LineError, folder: Path) -> None:
        if self._file is None:
            self.path = self._new_file(folder, f"import-errors-{secrets.token_hex(6)}.csv")
            self._file = self.path.open("w", newline="", encoding="utf-8")
            self._rows = csv.writer(self._file)
            self._rows.writerow(["line", "column", "reason", "remedy"])
        self._rows.writerow([error.line, *(safe(t) for t in (error.column, error.reason, error.remedy))])

    @staticmethod
    def _new_file(folder: Path, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder / name


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """A file's readings of one series. first, last : local starts of the first and last reading, ISO with offset."""

    meter: str
    quantity: str
    unit: str
    step: int
    readings: int
    total: float
    first: str | None
    last: str | None
    register: str = ""  # empty: the whole of the quantity
    serial: str = ""  # of the device, if the file gives it


@dataclass(slots=True)
class ImportReport:
    """The result of an import, as ``import --json`` prints it; docs/imports.md explains the counts."""

    batch: int | None = None
    dry_run: bool = False
    file: str = ""
    format: str = ""
    why: str = ""
    sure: float = 0.0  # confidence in the format, 0 … 1: see readers/recognise.py
    stamps: str | None = None
    stamps_why: str = ""
    timezone: str = ""
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    readings: int = 0
    reads: int = 0  # of registers, or entries of a tank: stored, and usage calculated from them
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    kept: int = 0
    warnings: list[str] = field(default_factory=list)
    kwh: float = 0.0
    series: list[SeriesReport] = field(default_factory=list)
    created_meters: int = 0
    created_sites: int = 0
    updated_meters: int = 0
    updated_sites: int = 0
    unknown_meters: list[str] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    error_count: int = 0
    errors_file: str | None = None
    lines_file: str | None = None  # lines that an error covers beside its own: see readers/line_ranges.py

    def add_errors(self, log: ErrorLog) -> None:
        """Add an error log; its lines count as rejected."""
        log.close()
        self.errors, self.error_count = log.first, log.count
        self.errors_file = str(log.path) if log.path else None
        self.lines_file = str(log.lines_path) if log.lines_path else None
        self.rejected = min(log.lines, self.rows)
        self.accepted = self.rows - self.rejected
        left_out = log.count - len(log.first)
        if left_out and log.path is None:
            more = counted(left_out, "more error")
            self.warnings.append(f"{more} not shown here. The import itself writes all of them to a file.")

    @property
    def is_usable(self) -> bool:
        """Whether anything of the file was imported, or would be."""
        return self.readings > 0 or self.reads > 0 or (self.is_registry_import and self.accepted > 0)

    @property
    def is_registry_import(self) -> bool:
        """Whether the file contains sites or meters rather than readings."""
        return self.format in ("sites", "meters")

    @property
    def exit_code(self) -> int:
        """0 clean, 1 some rows rejected, 2 nothing usable."""
        if not self.is_usable:
            return NOTHING_USABLE
        return SOME_REJECTED if self.error_count else CLEAN

    def add_counts(self, result: WriteResult) -> None:
        """Report what became of the slots."""
        self.added, self.changed = result.added, result.changed
        self.unchanged, self.kept = result.unchanged, result.kept

    def for_registry(self) -> dict[str, Any]:
        """Return what the registry stores of the report."""
        stored = self.as_dict()
        stored["series"] = stored["series"][:STORED_SERIES]
        return stored

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        plain["series"] = [{name: getattr(one, name) for name in one.__slots__} for one in self.series]
        plain["errors"] = [{name: getattr(one, name) for name in one.__slots__} for one in self.errors]
        return plain


def grouped_warnings(warnings: Iterable[str]) -> list[str]:
    """Return each warning once; of many only the first, and the number of the others."""
    once = list(dict.fromkeys(warnings))
    if len(once) <= MAX_LIKE_WARNINGS:
        return once
    return [*once[:MAX_LIKE_WARNINGS], f"… and {counted(len(once) - MAX_LIKE_WARNINGS, 'more warning')}."]
