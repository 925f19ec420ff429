"""The file formats. Each is a module here with one reader class, listed in ``_FORMATS``.

CONTRIBUTING.md, "Adding a file format", lists the places of a new one. The ``-t`` option, pages, messages and rejected
lines derive from these classes.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final, NamedTuple

from eclectyc.readers.reader import Reader
from eclectyc.readers.tables.file_sample import FileSample


def _any(sample: FileSample) -> bool:
    return True


def _json(sample: FileSample) -> bool:
    return sample.source.kind == "json"


def _xml(sample: FileSample) -> bool:
    return sample.source.kind == "xml"


def _begins(*words: str) -> Callable[[FileSample], bool]:
    """Return a test whether a file's first line begins with one of ``words``."""

    def begins(sample: FileSample) -> bool:
        first = sample.first_lines[0] if sample.first_lines else ""
        return first.replace('"', "").lstrip().upper().startswith(words)

    return begins


class _Format(NamedTuple):
    """A format's name, which is also its module's, its reader class, and a quick test that rules most files out."""

    name: str
    reader: str
    may_be: Callable[[FileSample], bool] = _any


_FORMATS: Final = (
    _Format("octopus", "Octopus", _json),
    _Format("n3rgy", "N3rgy", _json),
    _Format("glowmarkt", "Glowmarkt", _json),
    _Format("greenbutton", "GreenButton", _xml),
    _Format("nem12", "Nem12", _begins("100", "200")),
    _Format("nem13", "Nem13", _begins("100", "250")),
    _Format("d0010", "D0010", _begins("ZHV", "026")),
    _Format("d0379", "D0379", _begins("ZHV", "25B")),
    _Format("stark", "Stark", _begins("#F2")),
    _Format("bglobal", "BGlobal"),
    _Format("wide", "Wide"),
    _Format("long", "Long"),
    _Format("daily", "Daily"),
    _Format("matrix", "Matrix"),
    _Format("registers", "Registers"),
    _Format("deliveries", "Deliveries"),
    _Format("meters", "MeterTable"),
    _Format("sites", "SiteTable"),
)
FORMATS: Final = tuple(known.name for known in _FORMATS)


def readers(sample: FileSample | None = None) -> list[Reader]:
    """Return every reader, the specific formats first; with a sample, only those that may recognise it.

    Loading the others takes longer than reading a small file.
    """
    return [_load(known) for known in _FORMATS if sample is None or known.may_be(sample)]


def _load(known: _Format) -> Reader:
    reader: Reader = getattr(import_module(f"{__name__}.{known.name}"), known.reader)()
    return reader
