"""Read a file as blocks of text: UTF-8, with line feeds, cut between records.

Memory does not grow with the file: one block is processed while a thread prepares the next. Nothing here knows columns.
A file that is not text is refused by name; a single line that cannot be decoded is blanked, so that line numbers stay
right, and rejected.
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from eclectyc.readers.blocks import LineError, UnreadableFile
from eclectyc.readers.files.byte_search import byte_mask
from eclectyc.readers.files.decode import Decoder, encoding_of
from eclectyc.readers.files.raw_file import RawFile

MAX_LINE_BYTES = 1 << 20  # a longer line is refused: it is not a table
BLOCK_BYTES = 8 << 20  # smaller blocks pass Python's lock around more often, larger ones use more memory
HEAD_BYTES = 1 << 20
HEAD_LINES = 50  # a header may be below that many lines
START_BYTES = 1 << 16

Kind = Literal["lines", "json", "xml"]

_NEWLINE, _QUOTE = 10, 34
_JSON_STARTS = (b"{",)
_XML_STARTS = (b"<",)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Whole lines of a file. ``text`` ends with a line feed; ``first_line`` is the number of its first line."""

    text: bytes
    first_line: int
    lines: int
    errors: list[LineError] = field(default_factory=list)


class Source:
    """A readable file. It can be read from the start any number of times."""

    def __init__(self, path: Path, *, block_bytes: int = BLOCK_BYTES, delimiter: str = "") -> None:
        self.path = path
        self.origin = path  # the file itself, if ``path`` was unpacked from it
        self.delimiter = delimiter  # of its cells, if known
        self.block_bytes = block_bytes
        self.size = path.stat().st_size  # [bytes on disk]
        self.position = 0  # [bytes on disk] read so far, for progress
        self.sample: object = None  # cache of ``file_sample.sample_of``
        self.document: object = None  # cache of ``json_document.load_document``

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def kind(self) -> Kind:
        """Whether the file has lines of text or is one document."""
        start = self.start.lstrip()[:20].lower()
        if start.startswith(_JSON_STARTS) or (start[:1] == b"[" and start[1:].lstrip()[:1] in (b"{", b"[")):
            return "json"
        return "xml" if start.startswith(_XML_STARTS) else "lines"

    @cached_property
    def start(self) -> bytes:
        """The beginning of the file, as UTF-8."""
        with RawFile(self.path) as raw:
            piece = raw.read(START_BYTES)
            if piece:
                piece = Decoder(encoding_of(piece, self.name), self.name).feed(piece, last=len(piece) < START_BYTES)
        return piece

    def pieces(self) -> Generator[bytes, None, None]:
        """Yield the file's bytes, unpacked but not decoded."""
        with RawFile(self.path) as raw:
            while piece := raw.read(BLOCK_BYTES):
                self.position = raw.position
                yield piece

    @cached_property
    def head_text(self) -> TextBlock:
        """The first lines of the file, up to about a megabyte, or more if the lines are long."""
        if self.kind != "lines":
            return TextBlock(self.start, 1, self.start.count(b"\n") + 1)
        text, lines, errors = b"", 0, list[LineError]()
        for block in self._blocks(HEAD_BYTES):
            text, lines, errors = text + block.text, lines + block.lines, errors + block.errors
            if lines >= HEAD_LINES or len(text) >= 4 * HEAD_BYTES:
                break
        if not text:
            raise UnreadableFile(f"{self.name} is empty.", "Choose a file that has a header and data lines.")
        return TextBlock(text, 1, lines, errors)

    def blocks(self, after_line: int = 0) -> Generator[TextBlock, None, None]:
        """Yield the file's lines after ``after_line``, in blocks of whole records."""
        for block in _prefetch(self._blocks(self.block_bytes)):
            skip = after_line - block.first_line + 1
            if skip <= 0:
                yield block
                continue
            start = _after_lines(block.text, skip)
            errors = [error for error in block.errors if error.line > after_line]
            if start < len(block.text) or errors:
                yield TextBlock(block.text[start:], after_line + 1, block.lines - skip, errors)

    def _blocks(self, size: int) -> Generator[TextBlock, None, None]:
        with RawFile(self.path) as raw:
            start = raw.read_lines(min(size, HEAD_BYTES))
            decoder = Decoder(encoding_of(start, self.name), self.name)
            rest, line, ended = b"", 1, not start
            chunk = start
            while not ended:
                following = raw.read_lines(size)
                ended = not following
                self.position = raw.position
                text = rest + decoder.feed(chunk, last=ended)
                if ended and text and not text.endswith(b"\n"):
                    text += b"\n"
                cut = len(text) if ended else _end_of_last_record(text, size)
                text, rest, chunk = text[:cut], text[cut:], following
                if not text:
                    _refuse_endless(len(rest), line, self.name)
                    continue
                lines = _line_count(text, line, self.name)
                clean, errors = decoder.clean(text, line)
                yield TextBlock(clean, line, lines, errors)
                line += lines


def open_source(path: str | Path, *, block_bytes: int = BLOCK_BYTES, delimiter: str = "") -> Source:
    """Open a file for reading; ``UnreadableFile`` if it cannot be opened."""
    path = Path(path)
    try:
        if not path.is_file():
            raise UnreadableFile(f"There is no file {path}.", "Check the name and the folder.")
        source = Source(path, block_bytes=block_bytes, delimiter=delimiter)
        _ = source.head_text
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be opened: {error.strerror}.", "Check its permissions.") from None
    return source


def _line_count(text: bytes, line: int, name: str) -> int:
    """Return the number of lines of a text; refuse it if one of them is too long for a table."""
    ends = np.flatnonzero(byte_mask(np.frombuffer(text, dtype=np.uint8), _NEWLINE))
    lengths = np.diff(ends, prepend=-1)
    longest = int(lengths.argmax())
    _refuse_endless(int(lengths[longest]), line + longest, name)
    return len(ends)


def _refuse_endless(length: int, line: int, name: str) -> None:
    if length > MAX_LINE_BYTES:
        raise UnreadableFile(
            f"Line {line} of {name} is longer than 1 MiB ({MAX_LINE_BYTES:,} bytes), the longest line that is read.",
            "Check that the file is a table with one record to a line.",
        )


def _end_of_last_record(text: bytes, size: int) -> int:
    """Return the end of the last whole record: after a line feed outside quotation marks."""
    last = text.rfind(b"\n") + 1
    if b'"' not in text:
        return last
    array = np.frombuffer(text, dtype=np.uint8)
    inside = np.bitwise_xor.accumulate((array == _QUOTE).view(np.uint8))
    ends = np.flatnonzero((array == _NEWLINE) & (inside == 0))
    if len(ends) and (int(ends[-1]) + 1) * 2 > last:
        return int(ends[-1]) + 1
    # A quotation mark is never closed: no record is that long. ``quoted_cells`` rejects its line.
    return last if len(text) >= size or not len(ends) else int(ends[-1]) + 1


def _after_lines(text: bytes, count: int) -> int:
    """Return the offset after ``count`` lines."""
    at = 0
    for _ in range(count):
        found = text.find(b"\n", at)
        if found < 0:
            return len(text)
        at = found + 1
    return at


def _prefetch(items: Generator[T, None, None]) -> Generator[T, None, None]:
    """Yield ``items``, preparing the next one in a thread while the current one is used."""
    with closing(items), ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as pool:
        coming: Future[T | None] = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
