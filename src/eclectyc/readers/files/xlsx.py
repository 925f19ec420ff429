"""Workbooks of Excel's present kind (.xlsx): the rows of a sheet as text, piece by piece.

A cell's value is what was saved with it. A formula without a saved value is given as its own text, so that nobody
takes it for nought; so is one whose saved 0 the workbook itself says is still to be worked out.
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

MOST_TEXTS_BYTES: Final = 128 << 20  # of distinct texts, which have to be held
MOST_SHEETS: Final = 1_000
_ROOT_LINKS: Final = "_rels/.rels"
_USUAL_PART: Final = "xl/workbook.xml"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. part : where it stands in the archive."""

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
        self._follow(part, self._outline)
        self._follow(posixpath.join(self._folder, "_rels", f"{own}.rels"), self._links)
        self.sheets = [
            Sheet(name, _resolve(self._folder, self._links.targets[link]), is_hidden)
            for name, link, is_hidden in self._outline.sheets[:MOST_SHEETS]
            if self._links.kinds.get(link, "").endswith("/worksheet")
        ]

    def rows(self, sheet: Sheet) -> Generator[Row, None, None]:
        """Yield the rows of a sheet that hold anything, in order."""
        outline = self._outline
        meaning = CellDecoder(
            self._archive.name, self._texts(), self._styles(), outline.counts_from_1904, outline.is_to_be_calculated
        )
        done = 0
        try:
            for row in fast_rows(self._archive.pieces(sheet.part), meaning):
                done = row[0]
                yield row
        except UnusualMarkup:
            cells = SheetHandler(meaning)
            for _ in parse_xml(self._archive.pieces(sheet.part), cells, self._archive.name):
                yield from (row for row in cells.taken() if row[0] > done)

    def _texts(self) -> list[str]:
        part = self._part("/sharedStrings")
        if part is None:
            return []
        if self._archive.size(part) > MOST_TEXTS_BYTES:
            raise UnreadableFile(f"{self._archive.name} holds too much text.", "Save its sheet as CSV and import that.")
        texts = _SharedTexts()
        self._follow(part, texts)
        return texts.texts

    def _styles(self) -> list[CellFormat]:
        part = self._part("/styles")
        if part is None:
            return []
        styles = _Styles()
        self._follow(part, styles)
        return [format_of(number, styles.codes.get(number)) for number in styles.formats]

    def _part(self, kind: str) -> str | None:
        """Return the part that the workbook links to as one of a kind, if it is there."""
        link = next((link for link, own in self._links.kinds.items() if own.endswith(kind)), None)
        part = None if link is None else _resolve(self._folder, self._links.targets[link])
        return part if part is not None and part in self._archive else None

    def _follow(self, part: str, handler: Handler) -> None:
        for _ in parse_xml(self._archive.pieces(part), handler, self._archive.name):
            pass


def workbook_part(archive: Archive) -> str:
    """Return the part that is the workbook itself; empty where the archive is none of this kind."""
    if _ROOT_LINKS not in archive:
        return _USUAL_PART if _USUAL_PART in archive else ""
    links = _Links()
    for _ in parse_xml(archive.pieces(_ROOT_LINKS), links, archive.name):
        pass
    found = (links.targets[link] for link, kind in links.kinds.items() if kind.endswith("/officeDocument"))
    return _resolve("", next(found, ""))


def _resolve(folder: str, target: str) -> str:
    """Return a link's target as the name of a part."""
    if not target:
        return ""
    return posixpath.normpath(target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target))


class _PartHandler:
    """Follows a part; the depth is all that is common to them."""

    depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.opened(local_name(name), attributes)

    def end(self, name: str) -> None:
        self.depth -= 1
        self.closed(local_name(name))

    def opened(self, what: str, attributes: dict[str, str]) -> None:
        """Take the start of an element."""

    def closed(self, what: str) -> None:
        """Take the end of an element."""

    def text(self, text: str) -> None:
        """Take some text."""


class _Outline(_PartHandler):
    """The workbook: its sheets, which days it counts, and whether its formulas are still to be worked out."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, bool]] = []  # name, link, whether hidden
        self.counts_from_1904 = False
        self.is_to_be_calculated = False

    def opened(self, what: str, attributes: dict[str, str]) -> None:
        if what == "sheet":
            link = next((value for key, value in attributes.items() if local_name(key) == "id" and "}" in key), "")
            is_hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append((attributes.get("name", ""), link, is_hidden))
        elif what == "workbookPr":
            self.counts_from_1904 = attributes.get("date1904", "0") in ("1", "true")
        elif what == "calcPr":
            self.is_to_be_calculated = attributes.get("fullCalcOnLoad", "0") in ("1", "true")


class _Links(_PartHandler):
    """The links of a part: what each leads to, and of what kind that is."""

    def __init__(self) -> None:
        self.targets: dict[str, str] = {}
        self.kinds: dict[str, str] = {}

    def opened(self, what: str, attributes: dict[str, str]) -> None:
        if what == "Relationship" and attributes.get("TargetMode", "Internal") == "Internal":
            link = attributes.get("Id", "")
            self.targets[link], self.kinds[link] = attributes.get("Target", ""), attributes.get("Type", "")


class _Styles(_PartHandler):
    """The number formats: of each style its number, of each number that is not built in its code."""

    def __init__(self) -> None:
        self.codes: dict[int, str] = {}
        self.formats: list[int] = []
        self._is_inside = False

    def opened(self, what: str, attributes: dict[str, str]) -> None:
        if what == "numFmt":
            self.codes[_whole(attributes.get("numFmtId", ""))] = attributes.get("formatCode", "")
        elif what == "cellXfs":
            self._is_inside = True
        elif what == "xf" and self._is_inside:
            self.formats.append(_whole(attributes.get("numFmtId", "")))

    def closed(self, what: str) -> None:
        if what == "cellXfs":
            self._is_inside = False


class _SharedTexts(_PartHandler):
    """The texts that cells share. How a word is pronounced is none of it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._pieces: list[str] = []
        self._is_text = False
        self._is_pronounced = False

    def opened(self, what: str, attributes: dict[str, str]) -> None:
        if what == "si":
            self._pieces = []
        elif what == "rPh":
            self._is_pronounced = True
        elif what == "t":
            self._is_text = not self._is_pronounced

    def closed(self, what: str) -> None:
        if what == "si":
            self.texts.append(single_line("".join(self._pieces)))
        elif what == "rPh":
            self._is_pronounced = False
        elif what == "t":
            self._is_text = False

    def text(self, text: str) -> None:
        if self._is_text:
            self._pieces.append(text)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
