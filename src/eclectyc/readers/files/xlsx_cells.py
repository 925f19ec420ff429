"""The cells of one sheet of an .xlsx workbook, row by row, as text: what they mean, and a parser that follows them."""

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
    """What the cells of a workbook mean. texts : those that cells share, by number. styles : how each shows a number.

    is_to_be_calculated : the workbook says that its formulas are still to be worked out.
    """

    name: str
    texts: list[str]
    styles: list[CellFormat]
    counts_from_1904: bool = False
    is_to_be_calculated: bool = False
    columns: dict[str, int] = field(default_factory=dict)  # letters -> index, as they are met

    def column(self, letters: str) -> int:
        """Return the index of a column, -1 for what is none."""
        at = 0
        if _LETTERS.fullmatch(letters):
            for letter in letters.upper():
                at = at * 26 + ord(letter) - 64
        return self.columns.setdefault(letters, at - 1) if len(letters) <= 3 else -1

    def text(self, kind: str, value: str, style: str, formula: str | None) -> str:
        """Return what a cell says. kind : the format's own letter. formula : None where there is none."""
        if formula is not None and kind != "str" and (not value or (self.is_to_be_calculated and value == "0")):
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
            raise UnreadableFile(f"{self.name} is not sound: it has no text number {value:.20}.", _AGAIN)
        return self.texts[index]


class SheetHandler:
    """Follows a sheet; its finished rows are ``taken``."""

    def __init__(self, meaning: CellDecoder) -> None:
        self.depth = 0
        self._meaning = meaning
        self._rows: list[Row] = []
        self._number = 0  # of the row
        self._row: list[str] = []
        self._cell: dict[str, str] = {}
        self._value = ""
        self._formula: str | None = None
        self._into = ""  # what text that comes is of
        self._is_pronounced = False
        self._kinds: dict[str, str] = {}  # names as they are met -> what matters of them

    def taken(self) -> list[Row]:
        """Return the rows that are finished, once."""
        rows, self._rows = self._rows, []
        return rows

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        kind = self._kinds.get(name) or self._kinds.setdefault(name, local_name(name))
        if kind == "c":
            self._cell, self._value, self._formula = attributes, "", None
        elif kind == "v":
            self._into = "v"
        elif kind == "row":
            self._begin_row(attributes.get("r"))
        elif kind == "f":
            self._into, self._formula = "f", ""
        elif kind == "t":
            self._into = "" if self._is_pronounced else "v"
        elif kind == "rPh":
            self._is_pronounced = True

    def end(self, name: str) -> None:
        self.depth -= 1
        kind = self._kinds[name]
        if kind == "c":
            self._end_cell()
        elif kind in ("v", "f", "t"):
            self._into = ""
        elif kind == "row":
            if any(self._row):
                self._rows.append((self._number, self._row))
        elif kind == "rPh":
            self._is_pronounced = False

    def text(self, text: str) -> None:
        if self._into == "v":
            self._value = self._value + text if self._value else text
            if len(self._value) > MOST_TEXT:
                raise UnreadableFile(f"{self._meaning.name} has a cell with more text than a cell can hold.", _AGAIN)
        elif self._into == "f" and len(self._formula or "") < _SHOWN_OF_FORMULA:
            self._formula = f"{self._formula}{text}"

    def _begin_row(self, printed: str | None) -> None:
        number = self._number + 1 if printed is None else _whole(printed)
        if not self._number < number <= MOST_ROWS:
            raise UnreadableFile(
                f"{self._meaning.name} is not sound: its rows are out of order after {self._number}.", _AGAIN
            )
        self._number, self._row = number, []

    def _end_cell(self) -> None:
        cell = self._cell
        text = self._meaning.text(cell.get("t", "n"), self._value, cell.get("s", ""), self._formula)
        if not text and "r" in cell:
            return  # the next one says where it stands
        row, at = self._row, self._column()
        while len(row) < at:
            row.append("")
        row.append(text)

    def _column(self) -> int:
        """Return the index of the cell's column: as it says, else after the one before."""
        reference = self._cell.get("r")
        if reference is None:
            at = len(self._row)
        else:
            letters = reference.rstrip("0123456789")
            known = self._meaning.columns.get(letters)
            at = self._meaning.column(letters) if known is None else known
        if not len(self._row) <= at < MOST_COLUMNS:
            raise UnreadableFile(
                f"{self._meaning.name} is not sound: its cells are out of order at {reference:.20}.", _AGAIN
            )
        return at


def single_line(text: str) -> str:
    """Return a cell's text in one line, with what the format escapes as it was meant."""
    if "_x" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    if text.isprintable():
        return text
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _whole(text: str) -> int:
    """Return a number from nought, -1 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
