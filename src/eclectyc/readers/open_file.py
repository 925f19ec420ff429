"""Open a file and recognise its format; of a workbook, one sheet. Pure."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from eclectyc.kernel.errors import Invalid
from eclectyc.readers.blocks import Recognition, UnreadableFile
from eclectyc.readers.files.source import Source, open_source
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.recognise import recognise
from eclectyc.readers.tables.file_sample import sample_of

if TYPE_CHECKING:
    from eclectyc.readers.files.workbook import Workbook
    from eclectyc.readers.files.xlsx import Sheet

_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how files of these kinds begin
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A recognised file."""

    source: Source
    reader: Reader
    recognition: Recognition


@contextmanager
def open_file(path: Path, options: ReadOptions) -> Iterator[OpenFile]:
    """Open and recognise a file, or raise ``UnreadableFile``; temporary files are removed at the end."""
    with ExitStack() as stack:
        yield (
            stack.enter_context(_open_possible_workbook(path, options))
            if may_be_workbook(path)
            else _open_text(path, options, stack)
        )


@contextmanager
def _open_possible_workbook(path: Path, options: ReadOptions) -> Iterator[OpenFile]:
    from eclectyc.readers.files.workbook import open_workbook

    with open_workbook(path) as book, ExitStack() as stack:
        if book is None:
            yield _open_text(path, options, stack)
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="eclectyc-sheet-"))
            yield _open_sheet(book, path, Path(folder), options, stack)


def may_be_workbook(path: Path) -> bool:
    """Return whether a file begins as workbooks do."""
    if not path.is_file():  # opening a named pipe would block
        return False
    try:
        with path.open("rb") as file:
            return file.read(4) in _WORKBOOKS
    except OSError:
        return False  # the next one to open it reports the error


def _open_text(path: Path, options: ReadOptions, stack: ExitStack) -> OpenFile:
    if options.sheet:
        raise Invalid(f"{path.name} is not a workbook.", "Leave out --sheet.", field="sheet")
    return _recognise(open_source(path), options, stack)


def _recognise(source: Source, options: ReadOptions, stack: ExitStack) -> OpenFile:
    reader = options.reader
    if reader is None:
        return OpenFile(source, *recognise(source, options.type))
    source = stack.enter_context(reader.prepared(source))
    return OpenFile(source, reader, reader.recognise(sample_of(source)))


def _open_sheet(book: Workbook, path: Path, folder: Path, options: ReadOptions, stack: ExitStack) -> OpenFile:
    """Return the named sheet, or the first visible one that is recognised."""
    from eclectyc.readers.files.workbook import DELIMITER, write_csv

    visible = [sheet for sheet in book.sheets if not sheet.is_hidden]
    asked = _sheets_named(book, path, options.sheet) if options.sheet else visible
    refusals: list[UnreadableFile] = []
    for sheet in asked:
        plain = folder / path.name
        if not write_csv(book, sheet, plain):
            continue
        source = open_source(plain, delimiter=DELIMITER)
        source.origin = path
        try:
            found = _recognise(source, options, stack)
        except UnreadableFile as refusal:
            refusals.append(_for_sheet(refusal, sheet.name))
            continue
        found.recognition.why = f"{found.recognition.why}, on sheet {sheet.name!r}"
        found.recognition.warnings += [*_unread_sheets(sheet, visible, options.sheet), *book.notes]
        return found
    if refusals:
        raise refusals[0]
    raise UnreadableFile(f"{path.name} has no sheet with content.", "Choose another workbook.")


def _sheets_named(book: Workbook, path: Path, name: str) -> list[Sheet]:
    found = [sheet for sheet in book.sheets if sheet.name.casefold() == name.strip().casefold()]
    if not found:
        names = ", ".join(repr(sheet.name) for sheet in book.sheets[:_SHOWN])
        raise Invalid(f"{path.name} has no sheet {name!r}.", f"Its sheets are {names}.", field="sheet")
    return found


def _for_sheet(refusal: UnreadableFile, sheet: str) -> UnreadableFile:
    return UnreadableFile(f"Sheet {sheet!r}: {refusal.reason}", refusal.remedy, field=refusal.field)


def _unread_sheets(read: Sheet, visible: Sequence[Sheet], requested: str) -> list[str]:
    """Return a warning that names the other sheets, unless one was requested."""
    others = [repr(sheet.name) for sheet in visible if sheet is not read]
    if requested or not others:
        return []
    shown = ", ".join(others[:_SHOWN]) + (" …" if len(others) > _SHOWN else "")
    return [f"Only sheet {read.name!r} of the workbook was read; --sheet chooses another: {shown}."]
