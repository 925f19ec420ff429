"""Files whose lines begin with a code for their kind (NEM12, D0379, DF2), as arrays of lines.

A *unit* is a run of lines that must be read together, such as a day and the lines that qualify it. Blocks are cut
between units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl

from eclectyc.readers.blocks import LineError
from eclectyc.readers.files.source import Source, TextBlock
from eclectyc.readers.tables.parse_csv import line_numbers
from eclectyc.readers.tables.quoted_cells import LINE, unquote

MOST_CARRIED: Final = 1 << 20  # [bytes] longer than any unit
_NEWLINE: Final = 10


@dataclass(frozen=True, slots=True)
class CodedLines:
    """The lines of a text. text : uint8. starts, ends : offsets of each line and of its line feed.

    numbers : the file's own line numbers. codes : the first four bytes from each line's start as one number, even if
    the line is shorter. All but ``text`` have shape (lines,).
    """

    text: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    numbers: np.ndarray
    codes: np.ndarray

    @classmethod
    def from_block(cls, block: TextBlock) -> Self:
        text = np.frombuffer(block.text, dtype=np.uint8)
        ends = np.flatnonzero(text == _NEWLINE)
        starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
        padded = np.concatenate([text, np.zeros(4, np.uint8)])
        codes = sum((padded[starts + n].astype(np.uint32) << 8 * n for n in range(4)), np.zeros(len(ends), np.uint32))
        return cls(text, starts, ends, line_numbers(text, ends, block.first_line), codes)

    def __len__(self) -> int:
        return len(self.ends)

    def starting_with(self, code: bytes) -> np.ndarray:
        """Return a mask of the lines that begin with a code of up to four characters."""
        mask = np.uint32((1 << 8 * len(code)) - 1)
        begins: np.ndarray = (self.codes & mask) == np.uint32(int.from_bytes(code, "little"))
        return begins

    def starting_with_digit(self) -> np.ndarray:
        """Return a mask of the lines that begin with a digit."""
        first = self.codes & np.uint32(0xFF)
        begins: np.ndarray = (first >= ord("0")) & (first <= ord("9"))
        return begins

    def blank(self) -> np.ndarray:
        """Return a mask of the lines that are empty or only spaces."""
        is_blank = self.starts == self.ends
        for n in np.flatnonzero(self.starting_with(b" ")).tolist():
            is_blank[n] = not self.text[self.starts[n] : self.ends[n]].tobytes().strip()
        return is_blank

    def field_counts(self, delimiter: bytes) -> np.ndarray:
        """Return the number of fields of each line."""
        found = np.flatnonzero(self.text == ord(delimiter))
        return np.diff(np.searchsorted(found, self.ends), prepend=0) + 1

    def text_of(self, which: np.ndarray) -> bytes:
        """Return the text of the lines in a mask."""
        if which.all():
            return self.text.tobytes()
        return self.text[np.repeat(which, self.ends + 1 - self.starts)].tobytes()

    def line(self, n: int, most: int = 1000) -> str:
        """Return a line's text, or its first ``most`` bytes."""
        return self.text[self.starts[n] : min(self.ends[n], self.starts[n] + most)].tobytes().decode("utf-8", "replace")

    def as_series(self, which: np.ndarray) -> pl.Series:
        """Return the lines in a mask as strings."""
        return pl.Series(self.text_of(which).decode("utf-8", "replace").split("\n")[:-1], dtype=pl.String)

    def unknown_lines(self, known: np.ndarray, reason: str, remedy: str) -> list[LineError]:
        """Return an error for each line neither ``known`` nor blank; ``reason`` follows its first characters."""
        others = np.flatnonzero(~(known | self.blank()))
        return [LineError(int(self.numbers[n]), "", f"{self.line(n, 20)!r} {reason}", remedy) for n in others.tolist()]

    def unidentified(self, known: np.ndarray, errors: Iterable[LineError]) -> np.ndarray:
        """Return a mask of the lines that are neither ``known`` nor blank, or could not be decoded.

        Each may have begun a new meter or day, so the lines below must not be added to the one above.
        """
        return ~(known | self.blank()) | np.isin(self.numbers, [error.line for error in errors])


def read_units(source: Source, codes: Sequence[bytes], delimiter: bytes) -> Iterator[TextBlock]:
    """Yield a file in blocks that end before a line with one of ``codes``, without quotation marks."""
    rest, first = b"", 1
    pending: list[LineError] = []
    for block in source.blocks():
        text, odd = unquote(block.text, delimiter, block.first_line)
        pending += [*block.errors, *odd]
        text = rest + text
        cut = _start_of_last_unit(text, codes)
        if cut:
            lines = _count(text[:cut])
            yield TextBlock(text[:cut], first, lines, [error for error in pending if error.line < first + lines])
            first += lines
            pending = [error for error in pending if error.line >= first]
        rest = text[cut:]
    if rest or pending:
        yield TextBlock(rest, first, _count(rest), pending)


def _start_of_last_unit(text: bytes, codes: Iterable[bytes]) -> int:
    last = max(text.rfind(b"\n" + code) for code in codes) + 1
    return len(text) if len(text) - last > MOST_CARRIED else last


def _count(text: bytes) -> int:
    return text.count(b"\n") + text.count(LINE)


def read_cells(text: bytes, delimiter: str, width: int, numbers: Iterable[int]) -> tuple[pl.DataFrame, bool]:
    """Return the cells of lines that all have ``width`` fields, in columns "0", "1" …, and whether they are typed.

    If typed, the columns in ``numbers`` are Float64; else every cell is text, stripped, null if blank.
    """
    kinds: dict[str, type[pl.DataType]] = {str(n): pl.String for n in range(width)}
    typed = kinds | {str(n): pl.Float64 for n in numbers}
    if not text:
        return pl.DataFrame(schema=typed), True
    try:
        return _read(text, delimiter, typed), True
    except pl.exceptions.PolarsError:
        frame = _read(text, delimiter, kinds).select(pl.all().str.strip_chars())
        return frame.select(pl.when(pl.all() != "").then(pl.all())), False


def _read(text: bytes, delimiter: str, kinds: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    return pl.read_csv(text, has_header=False, separator=delimiter, quote_char=None, schema=kinds)
