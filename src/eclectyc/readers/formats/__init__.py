"""The formats that are read. Each is one module here, one line in ``_READERS``, and one test.

To add a format: write ``formats/<name>.py`` with a class that has

- ``name``, the word for ``-t`` and in reports, and ``kind`` (readings, registers, tank, sites or meters);
- ``recognise(head)``: return a ``Recognition`` that says why and how sure, or None if the file is of another
  shape; raise ``UnreadableFile`` if it is this format but cannot be read as it stands. ``head.table`` is the
  file's header and first lines as a table, ``head.text`` its first text for formats that are none;
- ``read(source, seen, options)``: yield ``(block, errors)`` in file order. Tables go through
  ``records.convert_all``, which takes care of quotes, ragged lines, blank lines and line numbers.

Then add it to ``_READERS`` below and write a test beside ``tests/readers/test_long.py``. Nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Final, Literal, NamedTuple, Protocol

from eclectyc.readers.blocks import Block, LineError, ReadOptions, Recognition
from eclectyc.readers.files.source import Source
from eclectyc.readers.tables.file_sample import FileSample

Kind = Literal["readings", "registers", "tank", "sites", "meters"]


class Reader(Protocol):
    """Reads one format."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    def recognise(self, head: FileSample) -> Recognition | None: ...

    def read(
        self, source: Source, seen: Recognition, options: ReadOptions
    ) -> Iterator[tuple[Block, list[LineError]]]: ...


def _any(head: FileSample) -> bool:
    return True


def _json(head: FileSample) -> bool:
    return head.source.kind == "json"


def _xml(head: FileSample) -> bool:
    return head.source.kind == "xml"


def _begins(*words: str) -> Callable[[FileSample], bool]:
    """Return a test of how a file's first line begins."""

    def begins(head: FileSample) -> bool:
        first = head.first_lines[0] if head.first_lines else ""
        return first.replace('"', "").lstrip().upper().startswith(words)

    return begins


class _Known(NamedTuple):
    """A format's module and class, and what a file must at least look like for its reader to have anything to say."""

    module: str
    name: str
    may_be: Callable[[FileSample], bool] = _any


_READERS: Final = (
    _Known("octopus", "Octopus", _json),
    _Known("n3rgy", "N3rgy", _json),
    _Known("glowmarkt", "Glowmarkt", _json),
    _Known("greenbutton", "GreenButton", _xml),
    _Known("nem12", "Nem12", _begins("100", "200")),
    _Known("nem13", "Nem13", _begins("100", "250")),
    _Known("d0010", "D0010", _begins("ZHV", "026")),
    _Known("d0379", "D0379", _begins("ZHV", "25B")),
    _Known("stark", "Stark", _begins("#F2")),
    _Known("bglobal", "BGlobal"),
    _Known("wide", "Wide"),
    _Known("long", "Long"),
    _Known("daily", "Daily"),
    _Known("matrix", "Matrix"),
    _Known("registers", "Registers"),
    _Known("deliveries", "Deliveries"),
    _Known("meters", "Meters"),
    _Known("sites", "Sites"),
)


def readers(head: FileSample | None = None) -> list[Reader]:
    """Return every reader, the more particular ones first; of a file's head those that may know it: loading the others
    takes longer than a small file."""
    return [_made(known) for known in _READERS if head is None or known.may_be(head)]


def _made(known: _Known) -> Reader:
    made: Reader = getattr(import_module(f"{__name__}.{known.module}"), known.name)()
    return made
