"""NEM13: Australia's register reads. Rows 100 (header), 250 (two reads of a register), 550 (skipped), 900 (end).

A 250 row has the previous and the current read, each with its market time (UTC+10 all year) and quality; its quantity
checks their difference. The suffix is what is measured (E import, B export, Q and K reactive energy) and the register:
E1 and E2 are stored separately, and their sum is the point's usage.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from eclectyc.kernel.quality import ACTUAL, ESTIMATED, MISSING
from eclectyc.kernel.units import conversion, is_unit
from eclectyc.readers.blocks import LineError, Recognition, RegisterBlock, UnreadableFile
from eclectyc.readers.files.source import Source, TextBlock
from eclectyc.readers.formats.nem12 import MARKET_TIME
from eclectyc.readers.reader import NestedLines, Reader, ReadOptions
from eclectyc.readers.tables.coded_lines import CodedLines, read_units
from eclectyc.readers.tables.file_sample import FileSample
from eclectyc.readers.tables.numbers import number_matrix
from eclectyc.readers.tables.parse_csv import CsvPart, Notes
from eclectyc.readers.tables.rejected_lines import Rejects
from eclectyc.readers.tables.timestamp_columns import Moments, parse_stamps

_HEADER, _READ, _OTHER, _END = b"100,", b"250,", b"550,", b"900"
_WIDTH: Final = 23
_SHORTEST: Final = 20  # fields, up to the unit
_QUANTITIES: Final = {"E": "import", "B": "export", "Q": "reactive_import", "K": "reactive_export"}
_UNITS: Final = {"E": "kWh", "B": "kWh", "Q": "kVArh", "K": "kVArh"}
_FLAGS: Final = {"A": ACTUAL, "S": ESTIMATED, "F": ESTIMATED, "E": ESTIMATED, "N": MISSING}
_UNLIKE: Final = (
    "The quantity is not the difference of the two reads: {lines} (the first is line {line}). The reads are imported; "
    "if the meter has a multiplier, set it."
)
_AGAIN: Final = "Fetch the file again."


class _Side(NamedTuple):
    """The columns of one of a row's two reads."""

    name: str
    value: int
    moment: int
    quality: int


_SIDES: Final = (_Side("previous", 8, 9, 10), _Side("current", 13, 14, 15))
_QUANTITY, _UNIT = 18, 19


class Nem13(Reader):
    name = "nem13"
    kind = "registers"
    nested_lines = NestedLines(frozenset({"250", "550"}), b",", is_independent=True)

    def recognise(self, sample: FileSample) -> Recognition | None:
        rows = [line.replace('"', "").split(",") for line in sample.first_lines]
        if not rows or len(rows[0]) < 2:
            return None
        if rows[0][0].strip() == "250" and len(rows[0]) >= _SHORTEST:
            raise UnreadableFile(
                f"{sample.name} looks like NEM13, but has no 100 row at its start.",
                "Fetch the whole file again: it begins with 100,NEM13 and ends with 900.",
            )
        if rows[0][0].strip() != "100" or rows[0][1].strip().upper() != "NEM13":
            return None
        return Recognition(self.name, "the first row is 100,NEM13", 1.0, timezone=MARKET_TIME, is_table=False)

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[RegisterBlock, list[LineError]]]:
        notes, is_ended = Notes(), False
        for block in read_units(source, (_HEADER, _READ, _END), b","):
            lines = CodedLines.from_block(block)
            _refuse_others(lines, source.name)
            is_ended = bool(lines.starting_with(_END).any()) or (is_ended and not lines.starting_with(_READ).any())
            yield _convert(block, lines, notes)
        if not is_ended:
            recognition.warnings.append("The file has no 900 row at its end: it may be cut off.")
        recognition.warnings.extend(notes.texts())


def _refuse_others(lines: CodedLines, name: str) -> None:
    for n in np.flatnonzero(lines.starting_with(_HEADER)).tolist():
        text = lines.text[lines.starts[n] : lines.ends[n]].tobytes().decode("utf-8", "replace")
        if text.split(",")[1].strip().upper() != "NEM13":
            raise UnreadableFile(
                f"Line {lines.numbers[n]} of {name} begins another kind of file: {text[:40]!r}.",
                "Import each separately.",
            )


def _convert(block: TextBlock, lines: CodedLines, notes: Notes) -> tuple[RegisterBlock, list[LineError]]:
    which = lines.starting_with(_READ)
    faults = block.errors + _unknown_lines(lines)
    at = np.flatnonzero(which)
    cells = _cells(lines, which)
    part = CsvPart(cells, lines.numbers[at], False, np.zeros(len(at), bool), notes)
    rejects = Rejects(part)
    fields = lines.field_counts(b",")[at]
    for row in np.flatnonzero((fields < _SHORTEST) | (fields > _WIDTH)).tolist():
        reason = f"The row has {fields[row]} fields; a 250 row has {_WIDTH}."
        rejects.add(row, "", reason, f"It may be cut off: {_AGAIN.lower()}")
    meter, suffix = (part.column(n).fill_null("").str.to_uppercase() for n in (1, 4))
    _refuse_points(part, meter, suffix, rejects)
    sides = [_side(part, side, rejects) for side in _SIDES]
    keep = rejects.keep()
    _check_quantities(part, sides, keep)
    words = {
        "meter": meter,
        "quantity": suffix.str.slice(0, 1).replace_strict(_QUANTITIES, default=None, return_dtype=pl.String),
        "unit": part.column(_UNIT),
        "serial": part.column(6),
        "register": suffix,
    }
    frames = [_reads(part, words, side).filter(pl.Series(keep)) for side in sides]
    both = pl.concat(frames).filter(pl.col("value").is_not_null()).sort("line", maintain_order=True)
    return RegisterBlock(both, int(keep.sum()), faults), rejects.errors


def _cells(lines: CodedLines, which: np.ndarray) -> pl.DataFrame:
    """Return the cells of the 250 rows as text, stripped, null if blank."""
    kinds = {str(n): pl.String for n in range(_WIDTH)}
    text = b"," * (_WIDTH - 1) + b"\n" + lines.text_of(which)  # Polars takes the width from the first line
    frame = pl.read_csv(
        text, has_header=False, separator=",", quote_char=None, schema=kinds, truncate_ragged_lines=True
    )
    stripped = frame.slice(1).select(pl.all().str.strip_chars())
    return stripped.select(pl.when(pl.all() != "").then(pl.all()))


def _refuse_points(part: CsvPart, meter: pl.Series, suffix: pl.Series, rejects: Rejects) -> None:
    """Reject rows whose meter, suffix or unit is unknown."""
    for row in np.flatnonzero(~meter.str.contains("^[0-9A-Z]{10,11}$").to_numpy()).tolist():
        rejects.add(row, "NMI", f"{meter[row][:40]!r} is not an NMI.", "An NMI has 10 or 11 letters and digits.")
    for row in np.flatnonzero(~suffix.str.contains("^[EBQK][0-9A-Z]?$").to_numpy()).tolist():
        rejects.add(
            row, "suffix", f"The suffix {suffix[row][:20]!r} is unknown.", "Suffixes are E, B, Q and K with a register."
        )
    unit = part.column(_UNIT)
    known = {text: conversion(text).unit if is_unit(text) else "" for text in unit.unique().drop_nulls().to_list()}
    expected = suffix.str.slice(0, 1).replace_strict(_UNITS, default="", return_dtype=pl.String)
    printed = unit.replace_strict(known, default="", return_dtype=pl.String) if known else expected.clear(len(unit))
    for row in np.flatnonzero((printed.fill_null("") != expected).to_numpy()).tolist():
        reason = f"The unit {unit[row]!r} does not go with the suffix {suffix[row]}, which measures {expected[row]}."
        rejects.add(row, "unit", reason, "Correct one of them.")


class _Read(NamedTuple):
    """One of the two reads of every row. value : NaN if missing."""

    value: np.ndarray
    moment: pl.Series
    quality: pl.Series


def _side(part: CsvPart, side: _Side, rejects: Rejects) -> _Read:
    moments: Moments = parse_stamps(part.column(side.moment), f"{side.name} moment")
    rejects.add_moments(moments.bad, f"{side.name} moment")
    name = str(side.value)
    values, bad = number_matrix(part.frame, [name], set())
    rejects.add_numbers(part.frame.select(name), bad, [f"{side.name} read"])
    letters = part.column(side.quality).fill_null("A").str.to_uppercase()
    quality = letters.str.slice(0, 1).replace_strict(_FLAGS, default=None, return_dtype=pl.Int8)
    quality = quality.set(~letters.str.contains("^[A-Z][0-9]{0,2}$"), None)
    for row in np.flatnonzero(quality.is_null().to_numpy()).tolist():
        remedy = "Qualities are A, S, F, E and N, with two digits for the method."
        rejects.add(row, f"{side.name} quality", f"{letters[row][:20]!r} is not a known quality.", remedy)
    value = np.where((quality.fill_null(MISSING) == MISSING).to_numpy(), np.nan, values[:, 0])
    if side.name == "current":
        rejects.add_blank(pl.Series(value, nan_to_null=True), "current read", "current read", {})
    for row in np.flatnonzero(moments.values.is_null().to_numpy() & ~np.isnan(value)).tolist():
        rejects.add(row, f"{side.name} moment", "The read has no date and time.", _AGAIN)
    return _Read(value, moments.values, quality)


def _check_quantities(part: CsvPart, sides: list[_Read], keep: np.ndarray) -> None:
    """Warn of rows whose quantity is not the difference of their reads."""
    stated, _ = number_matrix(part.frame, [str(_QUANTITY)], set())
    with np.errstate(invalid="ignore"):
        off = np.abs(sides[1].value - sides[0].value - stated[:, 0])
        unlike = keep & (off > np.maximum(0.01, 0.001 * np.abs(stated[:, 0])))
    part.notes.add(_UNLIKE, part.lines[unlike])


def _reads(part: CsvPart, words: dict[str, pl.Series], read: _Read) -> pl.DataFrame:
    no = pl.Series([False]).new_from_index(0, len(part))
    return pl.DataFrame(
        {
            "line": part.lines,
            **words,
            "stamp": read.moment,
            "instant": pl.Series([None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, len(part)),
            "value": pl.Series(read.value, nan_to_null=True),
            "quality": read.quality,
            "is_maximum": no,
            "is_doubtful": no,
            "told": pl.Series([None], dtype=pl.String).new_from_index(0, len(part)),
        }
    )


def _unknown_lines(lines: CodedLines) -> list[LineError]:
    known = np.zeros(len(lines), dtype=bool)
    for code in (_HEADER, _READ, _OTHER, _END):
        known |= lines.starting_with(code)
    return lines.unknown_lines(known, "is not a NEM13 row.", "Rows are 100, 250, 550 and 900.")
