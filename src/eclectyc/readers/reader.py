"""What every format's reader provides, and what the user may state about a file. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from eclectyc.readers.blocks import BlockAndErrors, Recognition
from eclectyc.readers.files.source import Kind as SourceKind
from eclectyc.readers.files.source import Source
from eclectyc.readers.tables.file_sample import FileSample

Kind = Literal["readings", "registers", "tank", "sites", "meters"]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user states about the file. ``type`` is the ``-t`` option; the others add what the file omits."""

    type: str = "auto"
    meter: str = ""
    unit: str = ""
    quantity: str = ""
    sheet: str = ""  # of a workbook
    reader: DeclaredReader | None = None  # made from a profile; no other reader is tried


class NestedLines(NamedTuple):
    """How the lines of a file nest: a line names the meter or the day of the data lines below it.

    codes : of the lines that hold data. delimiter : between cells. cell : which cell holds a line's code, from 1.
    is_independent : whether a data line means the same without the data lines before it in its group.
    """

    codes: frozenset[str]
    delimiter: bytes
    cell: int = 1
    is_independent: bool = False


class Reader(Protocol):
    """Reads one format. A class that inherits from this states only what differs from a table of half-hours.

    name : for ``-t`` and in reports. kind : what its blocks hold.
    is_daily : one value per day, so that ``-t hh`` does not try it.
    may_hold_registers : its values may be a register's display rather than usage.
    nested_lines : how its lines nest, if they do.
    document_type, sender : of a format that is a document rather than lines: its type, and whose it is.
    """

    name: str
    kind: Kind
    is_daily: bool = False
    may_hold_registers: bool = False
    nested_lines: NestedLines | None = None
    document_type: SourceKind = "lines"
    sender: str = ""

    def recognise(self, sample: FileSample) -> Recognition | None:
        """Return why and how surely the file has this format; None if it has another shape.

        ``UnreadableFile`` if it has this format and cannot be read; used only if no other reader recognises the file.
        """

    def read(self, source: Source, recognition: Recognition, options: ReadOptions) -> Iterator[BlockAndErrors]:
        """Yield the file's blocks in file order, each with its rejected lines."""
        ...


class DeclaredReader(Reader, Protocol):
    """A reader made from a declared mapping: it reads the file as declared, without having to recognise it."""

    def prepared(self, source: Source) -> AbstractContextManager[Source]:
        """Return the file as this reader reads it, unfolded if its lines are of several kinds."""
        ...

    def recognise(self, sample: FileSample) -> Recognition: ...
