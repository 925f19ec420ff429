"""Recognise a file's format: each reader is asked, and the surest answer wins.

A reader's sureness goes from 0 to 1: 1 if the file names its own format or nothing else resembles it, 0.9 if every
field is named, less if fields are missing or headings are ambiguous. It is a rank, not a probability. A file is refused
if two answers are about as sure, if none is sure enough, if no reader recognises it, or if it may hold register
readings; the error gives what was found and the option that decides. Pure.
"""

from __future__ import annotations

from typing import Final

from eclectyc.kernel.errors import Invalid
from eclectyc.readers.blocks import Recognition, UnreadableFile
from eclectyc.readers.files.source import Source
from eclectyc.readers.formats import FORMATS, readers
from eclectyc.readers.reader import Reader
from eclectyc.readers.tables.detect_register_columns import refuse_registers
from eclectyc.readers.tables.file_sample import FileSample, NotLines, sample_of
from eclectyc.readers.tables.headings import header_key

MINIMUM_SURENESS: Final = 0.5  # below it, the user must name the format
TIE_MARGIN: Final = 0.05  # answers closer than this count as equally sure
TYPES: Final = ("auto", "hh", *FORMATS)
_TOTALS: Final = {"value", "present", "expected", "estimated", "coverage"}
_SHOWN: Final = 3
_READABLE_LAYOUTS: Final = (
    "Readable layouts are: one reading per row (meter, date and time, value), one day per row (meter, date, 46, 48 or "
    "50 half-hours, or one value), one time per row with a column for each meter, a list of sites, a list of meters. "
    "Rename the columns, or name the format with -t."
)

Match = tuple[Reader, Recognition]


def recognise(source: Source, type_option: str = "auto") -> Match:
    """Return the reader for a file and what it recognised; ``UnreadableFile`` if none fits."""
    sample = sample_of(source)
    matches, refusals = _ask(_candidates(type_option, sample), sample)
    if source.kind == "lines" and all(recognition.is_table for _, recognition in matches):
        _refuse_totals(sample)
    if not matches:
        raise refusals[0] if refusals else _unknown(sample, type_option)
    reader, recognition = _surest(matches, is_named=type_option in FORMATS)
    if not recognition.is_table:
        return reader, recognition
    if not sample.table.rows:
        raise UnreadableFile(f"{source.name} has a header and no data under it.", "Export it again with its data.")
    if type_option in ("auto", "hh") and reader.may_hold_registers:
        refuse_registers(sample.table, reader.name, is_daily=reader.is_daily)
    return reader, recognition


def _ask(asked: list[Reader], sample: FileSample) -> tuple[list[Match], list[UnreadableFile]]:
    """Return the readers that recognise a file, and the errors of those that know it as unreadable."""
    matches: list[Match] = []
    refusals: list[UnreadableFile] = []
    for reader in asked:
        try:
            recognition = reader.recognise(sample)
        except NotLines:  # a reader of tables was asked about a document
            continue
        except UnreadableFile as refusal:
            refusals.append(refusal)
            continue
        if recognition is not None:
            matches.append((reader, recognition))
    return matches, refusals


def _refuse_totals(sample: FileSample) -> None:
    """Refuse totals that we exported: their slots are lost, and days with missing slots would look complete."""
    if {header_key(name) for name in sample.table.names} >= _TOTALS:
        raise UnreadableFile(
            f"{sample.name} holds totals that were exported from Eclectyc, not readings.",
            "Export the readings themselves (eclectyc export readings) and import that file.",
        )


def _candidates(type_option: str, sample: FileSample) -> list[Reader]:
    if type_option not in TYPES:
        raise Invalid(f"There is no file type {type_option!r}.", f"Use one of {', '.join(TYPES)}.", field="type")
    if type_option == "auto":
        return readers(sample)
    if type_option == "hh":
        return [reader for reader in readers(sample) if reader.kind == "readings" and not reader.is_daily]
    return [reader for reader in readers() if reader.name == type_option]


def _surest(matches: list[Match], *, is_named: bool) -> Match:
    """Return the surest match, or refuse to guess."""
    matches.sort(key=lambda pair: -pair[1].sure)
    reader, recognition = matches[0]
    near = [pair for pair in matches if pair[1].sure > recognition.sure - TIE_MARGIN]
    if len(near) > 1:
        raise _ambiguous(near)
    if recognition.sure < MINIMUM_SURENESS and not is_named:
        raise UnreadableFile(
            f"The file may be {_describe(recognition)}, but that is not sure enough.",
            f"If it is, choose that format with -t {reader.name}.",
            field="type",
        )
    return matches[0]


def _unknown(sample: FileSample, type_option: str) -> UnreadableFile:
    if sample.source.kind != "lines":
        return _unknown_document(sample)
    names = [name for name in sample.table.names if name]
    shown = ", ".join(name[:40] for name in names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    kind = "" if type_option in ("auto", "hh") else f" as {type_option}"
    return UnreadableFile(
        f"{sample.name} is not recognised{kind}. Line {sample.table.header_line} was read as its header; "
        f"the columns are: {shown}.",
        _READABLE_LAYOUTS,
    )


def _unknown_document(sample: FileSample) -> UnreadableFile:
    kind = sample.source.kind
    senders = ", ".join(reader.sender for reader in readers() if reader.document_type == kind)
    what = "JSON" if kind == "json" else "XML or HTML"
    return UnreadableFile(
        f"{sample.name} is {what}, not a table, and not from a known sender ({senders}).",
        "Export it as CSV (.csv or .csv.gz) and import that.",
    )


def _ambiguous(near: list[Match]) -> UnreadableFile:
    ways = "; or ".join(_describe(recognition) for _, recognition in near[:_SHOWN])
    return UnreadableFile(
        f"The file can be read in more than one way: {ways}.",
        f"Choose one with {' or '.join(f'-t {reader.name}' for reader, _ in near[:_SHOWN])}.",
        field="type",
    )


def _describe(recognition: Recognition) -> str:
    return f"{recognition.format} ({recognition.why}; {recognition.sure:.0%} sure)"
