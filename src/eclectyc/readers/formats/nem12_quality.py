"""NEM12's quality: one letter and a method for a whole day, or 400 rows for ranges of its intervals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from eclectyc.kernel.quality import ACTUAL, ESTIMATED, MISSING
from eclectyc.readers.blocks import LineError
from eclectyc.readers.tables.coded_lines import CodedLines
from eclectyc.readers.tables.parse_csv import CsvPart
from eclectyc.readers.tables.rejected_lines import Rejects

PART: Final = b"400,"
VARIES: Final = -1  # as in the 400 rows
_UNKNOWN: Final = -2
_FLAGS: Final = {"A": ACTUAL, "S": ESTIMATED, "F": ESTIMATED, "E": ESTIMATED, "N": MISSING, "V": VARIES}
_FLAG: Final = re.compile("([AEFNSV])[0-9]{0,2}")
_REMEDY: Final = "Qualities are A, E, F, N, S and V, with two digits for the method."


@dataclass(frozen=True, slots=True)
class QualityParts:
    """400 rows: arrays of shape (rows,).

    owner : the line of each one's 300 row (an index into the block's lines). first, last : intervals, from 1; 0 if
    they are not numbers. flag : int8. line : the file's own line.
    """

    owner: np.ndarray
    first: np.ndarray
    last: np.ndarray
    flag: np.ndarray
    line: np.ndarray

    def for_days(self, days: np.ndarray) -> QualityParts:
        """Return the parts of some 300 rows (sorted), with ``owner`` as an index into these."""
        mine = np.isin(self.owner, days)
        owner = np.searchsorted(days, self.owner[mine])
        return QualityParts(owner, self.first[mine], self.last[mine], self.flag[mine], self.line[mine])


def read_parts(
    lines: CodedLines, is_part: np.ndarray, is_day: np.ndarray, is_head: np.ndarray
) -> tuple[QualityParts, list[LineError]]:
    """Return the 400 rows, and an error for each without a 300 row above it."""
    at = np.flatnonzero(is_part)
    above = np.flatnonzero(is_day | is_head)
    nth = np.searchsorted(above, at) - 1
    owner = np.where(nth >= 0, above[nth], 0) if len(above) else np.zeros(len(at), np.int64)
    belongs = (nth >= 0) & is_day[owner] if len(at) else np.zeros(0, dtype=bool)
    errors = [
        LineError(line, "", "There is no 300 row above this 400 row.", "Fetch the file again.")
        for line in lines.numbers[at[~belongs]].tolist()
    ]
    which = is_part.copy()
    which[at[~belongs]] = False
    cells = _cells(lines, which)
    bounds = [cells[n].cast(pl.Int32, strict=False).fill_null(0).to_numpy() for n in ("1", "2")]
    return QualityParts(owner[belongs], bounds[0], bounds[1], _flags(cells["3"]), lines.numbers[at[belongs]]), errors


def _cells(lines: CodedLines, which: np.ndarray) -> pl.DataFrame:
    """Return the first cells of some lines as text, columns "1", "2" and "3"; null if a line is shorter."""
    cells = lines.as_series(which).str.splitn(",", 5).struct.unnest()
    return cells.select(pl.col(f"field_{n}").str.strip_chars().alias(str(n)) for n in (1, 2, 3))


def _flags(cells: pl.Series) -> np.ndarray:
    """Return the quality of each cell's letter, int8; ``_UNKNOWN`` if the letter is unknown."""
    known = {}
    for text in cells.unique().drop_nulls().to_list():
        match = _FLAG.fullmatch(text.strip())
        known[text] = _FLAGS[match[1]] if match else _UNKNOWN
    if not known:
        return np.full(len(cells), _UNKNOWN, np.int8)
    old, new = pl.Series(list(known), dtype=pl.String), pl.Series(list(known.values()), dtype=pl.Int8)
    return cells.replace_strict(old, new, default=_UNKNOWN, return_dtype=pl.Int8).to_numpy()


def interval_quality(part: CsvPart, cells: pl.Series, parts: QualityParts, width: int, rejects: Rejects) -> np.ndarray:
    """Return the quality of each interval, int8 of shape (rows, width), and reject rows without a known one."""
    of_row = _flags(cells)
    for row in np.flatnonzero(of_row == _UNKNOWN).tolist():
        text = cells[row]
        reason = f"{text!r} is not a known quality." if text else "There is no quality."
        rejects.add(row, "quality", reason, _REMEDY)
    quality = np.repeat(of_row[:, None], width, axis=1)
    if len(parts.owner):
        _apply_parts(quality, parts, width, rejects)
    for row in np.flatnonzero((quality == VARIES).any(axis=1)).tolist():
        first = int((quality[row] == VARIES).argmax()) + 1
        rejects.add(
            row, "quality", f"Its quality varies, but no 400 row covers interval {first}.", "Fetch the file again."
        )
    quality[quality < 0] = MISSING
    return quality


def _apply_parts(quality: np.ndarray, parts: QualityParts, width: int, rejects: Rejects) -> None:
    """Set the quality of the intervals of the 400 rows. Gaps are allowed, overlaps are not."""
    sound = (parts.first >= 1) & (parts.first <= parts.last) & (parts.last <= width)
    sound &= parts.flag >= 0
    for n in np.flatnonzero(~sound).tolist():
        reason = f"The 400 row in line {parts.line[n]} has no intervals from 1 to {width}, or no quality."
        rejects.add(int(parts.owner[n]), "quality", reason, _REMEDY)
    lengths = np.where(sound, parts.last - parts.first + 1, 0)
    covered = np.bincount(parts.owner, lengths, minlength=len(quality))
    sound &= (covered <= width)[parts.owner]  # more intervals than a day has must overlap
    owner, lengths = parts.owner[sound], lengths[sound]
    row = np.repeat(owner, lengths)
    within = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    cell = row * width + np.repeat(parts.first[sound] - 1, lengths) + within
    times = np.bincount(cell, minlength=quality.size)
    overlaps = np.union1d(np.flatnonzero(covered > width), np.unique(np.flatnonzero(times > 1) // width))
    for day in overlaps.tolist():
        rejects.add(day, "quality", "Its 400 rows overlap.", "Fetch the file again.")
    quality.reshape(-1)[cell] = np.repeat(parts.flag[sound], lengths)
