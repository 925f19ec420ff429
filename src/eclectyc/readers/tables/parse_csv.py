"""Parse blocks of text into frames of cells.

There are two ways with the same result. *Typed*: Polars reads the whole block at once, numbers as numbers; used only if
the result is provably right (as many lines as line feeds, and on every line as many delimiters as in the header).
*Careful*: every cell as text, each line checked. Polars alone would fill short lines with nulls, read ``inf`` and keep
blank lines as rows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import polars as pl

from eclectyc.kernel.plurals import counted
from eclectyc.readers.blocks import LineError, UnreadableFile
from eclectyc.readers.files.byte_search import count_byte
from eclectyc.readers.files.source import Source, TextBlock
from eclectyc.readers.tables.file_sample import TableSample
from eclectyc.readers.tables.quoted_cells import DELIMITER, LINE, QUOTE, has_marks, unquote

B = TypeVar("B")

_THREADS = 2
_AHEAD = 3  # blocks

_NEWLINE = 10
_MORE_FIELDS = 64  # cells beyond the header that are checked: they may be blank


@dataclass(frozen=True, slots=True)
class Shape:
    """The expected shape of a file's lines.

    numbers : indexes of the columns that hold numbers.
    may_be_left_out : indexes of columns that a line may end before, as some senders omit blank cells at the end.
    padding : blank cells that every line has beyond the header.
    has_dashes : ``-`` means no value in the first lines.
    """

    delimiter: str
    names: Sequence[str]
    header_line: int  # the last line of the header
    numbers: frozenset[int] = frozenset()
    may_be_left_out: frozenset[int] = frozenset()
    padding: int = 0
    has_dashes: bool = False

    @classmethod
    def from_table(cls, table: TableSample, numbers: Iterable[int], may_be_left_out: Iterable[int] = ()) -> Shape:
        left_out, numbers = frozenset(may_be_left_out), frozenset(numbers)
        dashes = any("-" in row for row in table.rows[:200])
        return cls(table.delimiter, table.names, table.header_line, numbers, left_out, table.padding, dashes)

    @property
    def width(self) -> int:
        return len(self.names)

    @property
    def shortest(self) -> int:
        """The fewest fields of a complete line."""
        width = self.width
        while width and (not self.names[width - 1] or width - 1 in self.may_be_left_out):
            width -= 1
        return width


class Notes:
    """Warnings about lines that were not rejected, counted by text."""

    def __init__(self) -> None:
        self._lines: dict[str, tuple[int, int]] = {}  # text -> how many, first line

    def add(self, text: str, lines: Sequence[int] | np.ndarray) -> None:
        """Count ``text`` for these lines; ``{lines}`` in it becomes their number, ``{line}`` the first."""
        if len(lines):
            count, first = self._lines.get(text, (0, int(lines[0])))
            self._lines[text] = (count + len(lines), min(first, int(lines[0])))

    def merge(self, other: Notes) -> None:
        for text, (count, first) in other._lines.items():
            mine, at = self._lines.get(text, (0, first))
            self._lines[text] = (mine + count, min(first, at))

    def texts(self) -> list[str]:
        return [
            text.replace("{lines}", counted(count, "line")).replace("{line}", str(first))
            for text, (count, first) in self._lines.items()
        ]


@dataclass(slots=True)
class CsvPart:
    """Some lines as cells: columns named by index ("0", "1" …), and each row's line number.

    If ``typed``, the number columns are Float64 and the others text as printed; else every cell is text, stripped, null
    if blank. ``closing`` marks rows that look like totals under the data: they are skipped, not rejected, if their
    other cells are invalid.
    """

    frame: pl.DataFrame
    lines: np.ndarray
    typed: bool
    closing: np.ndarray
    notes: Notes = field(default_factory=Notes)

    def column(self, index: int) -> pl.Series:
        return self.frame.get_column(str(index))

    def __len__(self) -> int:
        return self.frame.height


Convert = Callable[[CsvPart], tuple[B, list[LineError]]]


def convert_parts(
    source: Source, shape: Shape, convert: Convert[B], warnings: list[str]
) -> Iterator[tuple[B, list[LineError]]]:
    """Yield the result of ``convert`` for each part of a file, with the lines rejected up to then.

    ``convert`` gets typed parts first, in threads, a few blocks ahead of the consumer. If it rejects anything, it gets
    the same lines again as text, in file order, so that errors quote the file. ``warnings`` is extended at the end.
    """
    notes = Notes()
    coming: deque[tuple[TextBlock, Future[tuple[B, Notes] | None]]] = deque()
    blocks = source.blocks(shape.header_line)
    with closing(blocks), ThreadPoolExecutor(_THREADS, thread_name_prefix="read") as pool:
        for block in blocks:
            coming.append((block, pool.submit(_convert_typed, block, shape, convert)))
            if len(coming) > _AHEAD:
                yield _finish(*coming.popleft(), shape, convert, notes)
        while coming:
            yield _finish(*coming.popleft(), shape, convert, notes)
    warnings.extend(notes.texts())


def _convert_typed(block: TextBlock, shape: Shape, convert: Convert[B]) -> tuple[B, Notes] | None:
    """Convert a typed block; None if anything in it is to be rejected."""
    text, errors = unquote(block.text, shape.delimiter.encode(), block.first_line)
    if errors or block.errors or (text is not block.text and has_marks(text)):
        return None
    part = read_typed(text, block.first_line, block.lines, shape)
    if part is None:
        return None
    result, rejected = convert(part)
    return None if rejected else (result, part.notes)


def _finish(
    block: TextBlock, typed: Future[tuple[B, Notes] | None], shape: Shape, convert: Convert[B], notes: Notes
) -> tuple[B, list[LineError]]:
    done = typed.result()
    if done is not None:
        notes.merge(done[1])
        return done[0], []
    text, errors = unquote(block.text, shape.delimiter.encode(), block.first_line)
    part, shape_errors = read_careful(text, block.first_line, shape)
    result, rejected = convert(part)
    notes.merge(part.notes)
    return result, sorted([*block.errors, *errors, *shape_errors, *rejected], key=lambda error: error.line)


def read_typed(text: bytes, first_line: int, lines: int, shape: Shape) -> CsvPart | None:
    """Read a block in one go; None if not every cell is certain to be right."""
    if not shape.numbers:
        return None
    width = shape.width + shape.padding
    if count_byte(np.frombuffer(text, dtype=np.uint8), ord(shape.delimiter)) != lines * (width - 1):
        return None
    kinds = {str(n): pl.Float64 if n in shape.numbers else pl.String for n in range(width)}
    try:
        frame = _read(text, shape.delimiter, kinds, ["-"] if shape.has_dashes else None)
    except pl.exceptions.PolarsError:
        return None
    beyond = [str(n) for n in range(shape.width, width)]
    if frame.height != lines or any(frame[name].null_count() < lines for name in beyond):
        return None
    return CsvPart(frame, np.arange(first_line, first_line + lines), True, np.zeros(lines, dtype=bool))


def read_careful(text: bytes, first_line: int, shape: Shape) -> tuple[CsvPart, list[LineError]]:
    """Read a block as text cells and check each line's shape."""
    array = np.frombuffer(text, dtype=np.uint8)
    ends = np.flatnonzero(array == _NEWLINE)
    delimiters = np.flatnonzero(array == ord(shape.delimiter))
    fields = np.diff(np.searchsorted(delimiters, ends), prepend=0) + 1
    numbers = line_numbers(array, ends, first_line)
    widest = shape.width + _MORE_FIELDS
    if (fields > widest).any():  # such a line is rejected unread
        array = array[np.repeat(fields <= widest, np.diff(ends, prepend=-1))]
    is_readable = fields <= widest
    errors = [
        _too_many(line, n, shape.width) for line, n in zip(numbers[~is_readable], fields[~is_readable], strict=True)
    ]
    frame = _as_text(array.tobytes(), shape, max(int(fields[is_readable].max(initial=0)), shape.width))
    part, more = _check_lines(frame, numbers[is_readable], fields[is_readable], shape)
    return part, errors + more


def _read(
    text: bytes, delimiter: str, kinds: Mapping[str, type[pl.DataType]], absent: list[str] | None = None
) -> pl.DataFrame:
    return pl.read_csv(
        text,
        has_header=False,
        separator=delimiter,
        quote_char=None,
        schema=kinds,
        null_values=absent,
        truncate_ragged_lines=False,
        ignore_errors=False,
    )


def line_numbers(array: np.ndarray, ends: np.ndarray, first_line: int) -> np.ndarray:
    """Return the number of each record's first line; quoted line feeds in records count as lines."""
    numbers = first_line + np.arange(len(ends))
    inner = np.flatnonzero(array == LINE[0])
    if len(inner):
        starts = np.concatenate(([0], ends[:-1] + 1))
        numbers += np.searchsorted(inner, starts)
    return numbers


def _as_text(text: bytes, shape: Shape, width: int) -> pl.DataFrame:
    """Return every cell as text: stripped, null if blank, quoted characters restored."""
    kinds = {str(n): pl.String for n in range(width)}
    first = shape.delimiter.encode() * (width - 1) + b"\n"  # Polars takes the width from the first line
    frame = _read(first + text, shape.delimiter, kinds).slice(1)
    cells = pl.all()
    if has_marks(text):
        for mark, meant in ((DELIMITER, shape.delimiter), (LINE, " "), (QUOTE, '"')):
            cells = cells.str.replace_all(mark.decode(), meant, literal=True)
    cells = cells.str.strip_chars()
    return frame.select(cells).select(pl.when(pl.all() != "").then(pl.all()))


def _check_lines(
    frame: pl.DataFrame, lines: np.ndarray, fields: np.ndarray, shape: Shape
) -> tuple[CsvPart, list[LineError]]:
    """Drop blank lines and repeated headers; reject lines with too many or too few fields."""
    if frame.height != len(lines):
        raise UnreadableFile(f"Lines {lines[0]} to {lines[-1]} cannot be split into cells.", "Save the file again.")
    names = [str(n) for n in range(shape.width)]
    beyond = [name for name in frame.columns if name not in names]
    blank = frame.select(pl.all_horizontal(pl.all().is_null()).alias("x"))["x"].to_numpy()
    too_many = np.zeros(len(lines), dtype=bool)
    if beyond:
        too_many = frame.select(pl.any_horizontal(pl.col(beyond).is_not_null()).alias("x"))["x"].to_numpy()
    too_few = (fields < shape.shortest) & ~blank
    closing = _closing(frame)
    header = _repeats_header(frame, shape)
    notes = Notes()
    notes.add("Skipped: {lines} that repeat the header (the first is line {line}).", lines[header])
    notes.add(CLOSING_NOTE, lines[closing & too_few])
    errors = [_too_many(lines[n], fields[n], shape.width) for n in np.flatnonzero(too_many & ~header)]
    errors += [_too_few(lines[n], fields[n], shape.width) for n in np.flatnonzero(too_few & ~closing & ~header)]
    keep = ~(blank | too_many | too_few | header)
    return CsvPart(frame.select(names).filter(pl.Series(keep)), lines[keep], False, closing[keep], notes), errors


CLOSING_NOTE = "Skipped: {lines} of totals (the first is line {line})."
_CLOSING = r"(?i)^((grand|sub)[- ]?)?totals?\b|^sum\b|^average\b|^mean\b|^end of (file|report|data)\b"


def _closing(frame: pl.DataFrame) -> np.ndarray:
    first = pl.coalesce(pl.nth(range(min(3, frame.width))))
    return frame.select(first.str.contains(_CLOSING).fill_null(False).alias("x"))["x"].to_numpy()


def _repeats_header(frame: pl.DataFrame, shape: Shape) -> np.ndarray:
    named = [(n, name) for n, name in enumerate(shape.names) if name][:4]
    same = [pl.col(str(n)) == name for n, name in named]
    return frame.select(pl.all_horizontal(same).fill_null(False).alias("x"))["x"].to_numpy()


def _too_many(line: int, found: int, expected: int) -> LineError:
    return LineError(
        int(line),
        "",
        f"The line has {found} fields; the header has {expected}.",
        "Quote cells that contain a delimiter, and give every column a heading.",
    )


def _too_few(line: int, found: int, expected: int) -> LineError:
    return LineError(
        int(line),
        "",
        f"The line has {found} fields; the header has {expected}.",
        "The line may be cut off: fetch the file again, or add the missing cells (blank is allowed).",
    )
