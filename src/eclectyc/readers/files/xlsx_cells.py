"""Decode the cells of an .xlsx sheet to text: the decoder, and the parser's handler that collects the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.cell_format import DAYS_TO_1904, CellFormat, number_text
from eclectyc.readers.files.xml_stream import local_name

MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
MOST_TEXT: Final = 32_767  # characters of a cell
_SHOWN_OF_FORMULA: Final = 80  # characters
_LETTERS: Final = re.compile(r"[A-Za-z]{1,3}")
_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_AGAIN: Final = "Save the workbook again, or save its sheet as CSV and import that."

Row = tuple[int, list[str]]  # its number from 1, and its cells from the first column on


@dataclass(slots=True)
class CellDecoder:
    """Decodes the cells of a workbook. texts : the shared texts, by number. styles : the format of each style.

    needs_calculation : the workbook states that its formulas have not been calculated yet.
    """

    name: str
    texts: list[str]
    styles: list[CellFormat]
    counts_from_1904: bool = False
    needs_calculation: bool = False
    columns: dict[str, int] = field(default_factory=dict)  # letters -> index, cached

    def column(self, letters: str) -> int:
        """Return the index of a column, -1 if it is not one."""
        at = 0
        if _LETTERS.fullmatch(letters):
            for letter in letters.upper():
                at = at * 26 + ord(letter) - 64
        return self.columns.setdefault(letters, at - 1) if len(letters) <= 3 else -1

    def text(self, kind: str, value: str, style: str, formula: str | None) -> str:
        """Return a cell as text. kind : the format's own letter. formula : None if it has none."""
        if formula is not None and kind != "str" and (not value or (self.needs_calculation and value == "0")):
            return single_line(f"={formula[:_SHOWN_OF_FORMULA]}")
        if not value:
            return ""
        if kind == "n":
            return number_text(value, self._shown(style), DAYS_TO_1904 if self.counts_from_1904 else 0)
        if kind == "s":
            return self._shared(value)
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        return single_line(value)

    def _shown(self, style: str) -> CellFormat:
        index = _whole(style)
        return self.styles[index] if 0 <= index < len(self.styles) else ""

    def _shared(self, value: str) -> str:
        index = _whole(value)
        if not 0 <= index < len(self.texts):
            raise UnreadableFile(f"{self.name} is damaged: it has no text number {value:.20}.", _AGAIN)
        return self.texts[index]


class SheetHandler:
    """Collects the rows of a sheet."""

    def __init__(self, decoder: CellDecoder) -> None:
        self.depth = 0
        self._decoder = decoder
        self._rows: list[Row] = []
        self._number = 0  # of the row
        self._row: list[str] = []
        self._cell: dict[str, str] = {}
        self._value = ""
        self._formula: str | None = None
        self._text_of = ""  # the element that the next text belongs to
        self._is_phonetic = False
        self._kinds: dict[str, str] = {}  # names -> local names, cached

    def finished_rows(self) -> list[Row]:
        """Return the finished rows, and forget them."""
        rows, self._rows = self._rows, []
        return rows

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        kind = self._kinds.get(name) or self._kinds.setdefault(name, local_name(name))
        if kind == "c":
            self._cell, self._value, self._formula = attributes, "", None
        elif kind == "v":
            self._text_of = "v"
        elif kind == "row":
            self._begin_row(attributes.get("r"))
        elif kind == "f":
            self._text_of, self._formula = "f", ""
        elif kind == "t":
            self._text_of = "" if self._is_phonetic else "v"
        elif kind == "rPh":
            self._is_phonetic = True

    def end(self, name: str) -> None:
        self.depth -= 1
        kind = self._kinds[name]
        if kind == "c":
            self._end_cell()
        elif kind in ("v", "f", "t"):
            self._text_of = ""
        elif kind == "row":
            if any(self._row):
                self._rows.append((self._number, self._row))
        elif kind == "rPh":
            self._is_phonetic = False

    def text(self, text: str) -> None:
        if self._text_of == "v":
            self._value = self._value + text if self._value else text
            if len(self._value) > MOST_TEXT:
                raise UnreadableFile(f"{self._decoder.name} has a cell with more text than a cell can hold.", _AGAIN)
        elif self._text_of == "f" and len(self._formula or "") < _SHOWN_OF_FORMULA:
            self._formula = f"{self._formula}{text}"

    def _begin_row(self, printed: str | None) -> None:
        number = self._number + 1 if printed is None else _whole(printed)
        if not self._number < number <= MOST_ROWS:
            raise UnreadableFile(
                f"{self._decoder.name} is damaged: its rows are out of order after {self._number}.", _AGAIN
            )
        self._number, self._row = number, []

    def _end_cell(self) -> None:
        cell = self._cell
        text = self._decoder.text(cell.get("t", "n"), self._value, cell.get("s", ""), self._formula)
        if not text and "r" in cell:
            return  # the next one gives its own position
        row, at = self._row, self._column()
        while len(row) < at:
            row.append("")
        row.append(text)

    def _column(self) -> int:
        """Return the index of the cell's column: its own reference, else the next one."""
        reference = self._cell.get("r")
        if reference is None:
            at = len(self._row)
        else:
            letters = reference.rstrip("0123456789")
            known = self._decoder.columns.get(letters)
            at = self._decoder.column(letters) if known is None else known
        if not len(self._row) <= at < MOST_COLUMNS:
            raise UnreadableFile(
                f"{self._decoder.name} is damaged: its cells are out of order at {reference:.20}.", _AGAIN
            )
        return at


def single_line(text: str) -> str:
    """Return a cell's text in one line, with the format's escapes decoded."""
    if "_x" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    if text.isprintable():
        return text
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _whole(text: str) -> int:
    """Return a non-negative integer, -1 if it is not one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
