"""Read the rows of Excel workbooks (.xlsx) as text, piece by piece.

A cell's value is its saved one. A formula without a saved value is read as its own text, so that it is never zero; so
is a saved 0 in a workbook that has not been calculated yet.
"""

from __future__ import annotations

import posixpath
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.archive import Archive
from eclectyc.readers.files.cell_format import CellFormat, format_of
from eclectyc.readers.files.xlsx_cells import CellDecoder, Row, SheetHandler, single_line
from eclectyc.readers.files.xlsx_fast import UnusualMarkup, fast_rows
from eclectyc.readers.files.xml_stream import Handler, local_name, parse_xml

MOST_TEXTS_BYTES: Final = 128 << 20  # of distinct texts, which must fit into memory
MOST_SHEETS: Final = 1_000
_ROOT_LINKS: Final = "_rels/.rels"
_USUAL_PART: Final = "xl/workbook.xml"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. part : its name in the archive."""

    name: str
    part: str
    is_hidden: bool = False


class Xlsx:
    """An open workbook."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.notes: list[str] = []
        part = workbook_part(archive)
        self._folder, own = posixpath.split(part)
        self._outline, self._links = _Outline(), _Links()
        self._parse(part, self._outline)
        self._parse(posixpath.join(self._folder, "_rels", f"{own}.rels"), self._links)
        self.sheets = [
            Sheet(name, _resolve(self._folder, self._links.targets[link]), is_hidden)
            for name, link, is_hidden in self._outline.sheets[:MOST_SHEETS]
            if self._links.kinds.get(link, "").endswith("/worksheet")
        ]

    def rows(self, sheet: Sheet) -> Generator[Row, None, None]:
        """Yield the rows of a sheet that are not blank, in order."""
        outline = self._outline
        decoder = CellDecoder(
            self._archive.name, self._texts(), self._styles(), outline.counts_from_1904, outline.needs_calculation
        )
        done = 0
        try:
            for row in fast_rows(self._archive.pieces(sheet.part), decoder):
                done = row[0]
                yield row
        except UnusualMarkup:
            cells = SheetHandler(decoder)
            for _ in parse_xml(self._archive.pieces(sheet.part), cells, self._archive.name):
                yield from (row for row in cells.finished_rows() if row[0] > done)

    def _texts(self) -> list[str]:
        part = self._part("/sharedStrings")
        if part is None:
            return []
        if self._archive.size(part) > MOST_TEXTS_BYTES:
            raise UnreadableFile(f"{self._archive.name} has too much text.", "Save its sheet as CSV and import that.")
        texts = _SharedTexts()
        self._parse(part, texts)
        return texts.texts

    def _styles(self) -> list[CellFormat]:
        part = self._part("/styles")
        if part is None:
            return []
        styles = _Styles()
        self._parse(part, styles)
        return [format_of(number, styles.codes.get(number)) for number in styles.formats]

    def _part(self, kind: str) -> str | None:
        """Return the part of a kind that the workbook links to, if it exists."""
        link = next((link for link, own in self._links.kinds.items() if own.endswith(kind)), None)
        part = None if link is None else _resolve(self._folder, self._links.targets[link])
        return part if part is not None and part in self._archive else None

    def _parse(self, part: str, handler: Handler) -> None:
        for _ in parse_xml(self._archive.pieces(part), handler, self._archive.name):
            pass


def workbook_part(archive: Archive) -> str:
    """Return the part that is the workbook itself; empty if the archive is not an Excel workbook."""
    if _ROOT_LINKS not in archive:
        return _USUAL_PART if _USUAL_PART in archive else ""
    links = _Links()
    for _ in parse_xml(archive.pieces(_ROOT_LINKS), links, archive.name):
        pass
    found = (links.targets[link] for link, kind in links.kinds.items() if kind.endswith("/officeDocument"))
    return _resolve("", next(found, ""))


def _resolve(folder: str, target: str) -> str:
    """Return the name of the part that a link points to."""
    if not target:
        return ""
    return posixpath.normpath(target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target))


class _PartHandler:
    """Handles the elements of a part."""

    depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.on_start(local_name(name), attributes)

    def end(self, name: str) -> None:
        self.depth -= 1
        self.on_end(local_name(name))

    def on_start(self, what: str, attributes: dict[str, str]) -> None:
        """Handle the start of an element."""

    def on_end(self, what: str) -> None:
        """Handle the end of an element."""

    def text(self, text: str) -> None:
        """Handle text."""


class _Outline(_PartHandler):
    """The workbook: its sheets, its first day, and whether its formulas have been calculated."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, bool]] = []  # name, link, whether hidden
        self.counts_from_1904 = False
        self.needs_calculation = False

    def on_start(self, what: str, attributes: dict[str, str]) -> None:
        if what == "sheet":
            link = next((value for key, value in attributes.items() if local_name(key) == "id" and "}" in key), "")
            is_hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append((attributes.get("name", ""), link, is_hidden))
        elif what == "workbookPr":
            self.counts_from_1904 = attributes.get("date1904", "0") in ("1", "true")
        elif what == "calcPr":
            self.needs_calculation = attributes.get("fullCalcOnLoad", "0") in ("1", "true")


class _Links(_PartHandler):
    """The links of a part: the target and the kind of each."""

    def __init__(self) -> None:
        self.targets: dict[str, str] = {}
        self.kinds: dict[str, str] = {}

    def on_start(self, what: str, attributes: dict[str, str]) -> None:
        if what == "Relationship" and attributes.get("TargetMode", "Internal") == "Internal":
            link = attributes.get("Id", "")
            self.targets[link], self.kinds[link] = attributes.get("Target", ""), attributes.get("Type", "")


class _Styles(_PartHandler):
    """The number formats: the number of each style, and the code of each number that is not built in."""

    def __init__(self) -> None:
        self.codes: dict[int, str] = {}
        self.formats: list[int] = []
        self._is_inside = False

    def on_start(self, what: str, attributes: dict[str, str]) -> None:
        if what == "numFmt":
            self.codes[_whole(attributes.get("numFmtId", ""))] = attributes.get("formatCode", "")
        elif what == "cellXfs":
            self._is_inside = True
        elif what == "xf" and self._is_inside:
            self.formats.append(_whole(attributes.get("numFmtId", "")))

    def on_end(self, what: str) -> None:
        if what == "cellXfs":
            self._is_inside = False


class _SharedTexts(_PartHandler):
    """The shared texts, without phonetic hints."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._pieces: list[str] = []
        self._is_text = False
        self._is_phonetic = False

    def on_start(self, what: str, attributes: dict[str, str]) -> None:
        if what == "si":
            self._pieces = []
        elif what == "rPh":
            self._is_phonetic = True
        elif what == "t":
            self._is_text = not self._is_phonetic

    def on_end(self, what: str) -> None:
        if what == "si":
            self.texts.append(single_line("".join(self._pieces)))
        elif what == "rPh":
            self._is_phonetic = False
        elif what == "t":
            self._is_text = False

    def text(self, text: str) -> None:
        if self._is_text:
            self._pieces.append(text)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
