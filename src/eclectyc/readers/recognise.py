"""Which format a file is in: the readers are asked in turn, and the surest answer counts.

How sure a reader is goes from 0 to 1: 1 where the file names its own format or nothing else looks like it, 0.9 where
every field is named, less where fields are missing or headings could mean something else. It is a rank, no
probability. Two answers that are nearly as sure, one that is not sure enough, a file nobody knows and one that may hold
register readings are refused with what was found, what was wanted, and the option that settles it.
"""

from __future__ import annotations

from typing import Final

from eclectyc.kernel.errors import Invalid
from eclectyc.readers.blocks import Recognition, UnreadableFile
from eclectyc.readers.files.source import Source
from eclectyc.readers.formats import Reader, readers
from eclectyc.readers.tables.detect_register_columns import refuse_registers
from eclectyc.readers.tables.file_sample import FileSample, sample_of
from eclectyc.readers.tables.headings import header_key

MINIMUM_SURENESS: Final = 0.5  # what is less sure is asked for by name, never guessed
TIE_MARGIN: Final = 0.05  # answers closer than that are equally sure
# The names of all readers, for whoever offers them as a choice: a test holds the two together.
FORMATS: Final = (
    "bglobal", "stark", "d0379",
    "octopus", "n3rgy", "glowmarkt", "greenbutton", "nem12", "nem13", "d0010", "wide", "long", "matrix", "daily",
    "registers", "deliveries", "sites", "meters",
)  # fmt: skip
TYPES: Final = ("auto", "hh", *FORMATS)
_NOT_HALF_HOURLY: Final = ("daily",)
_TOTALS: Final = {"value", "present", "expected", "estimated", "coverage"}
_SHOWN: Final = 3
_READABLE_LAYOUTS: Final = (
    "Wanted is one of: a line a reading (meter, date and time, value), a line a day (meter, date, 46, 48 or 50 "
    "half-hours), a line a moment with a column for each meter, a line a day with one value, a list of sites or of "
    "meters. Rename the columns, or name the format with -t."
)

Match = tuple[Reader, Recognition]


def recognise(source: Source, type_option: str = "auto") -> tuple[Reader, Recognition]:
    """Return the reader for a file and what it recognised; ``UnreadableFile`` where none fits."""
    head = sample_of(source)
    asked = _candidates(type_option, head)
    found: list[Match] = []
    refusals: list[UnreadableFile] = []
    for reader in asked:
        try:
            seen = reader.recognise(head)
        except UnreadableFile as refusal:
            refusals.append(refusal)
            continue
        if seen is not None:
            found.append((reader, seen))
    if source.kind == "lines" and all(seen.is_table for _, seen in found):
        _refuse_totals(head)
    if not found:
        raise refusals[0] if refusals else _unknown(head, type_option)
    reader, seen = _surest(found, is_named=type_option in FORMATS)
    if not seen.is_table:
        return reader, seen
    if not head.table.rows:
        raise UnreadableFile(
            f"{source.name} has a header and no data under it.", "Export it again with the lines it should hold."
        )
    if type_option in ("auto", "hh"):
        refuse_registers(head.table, seen)
    return reader, seen


def _refuse_totals(head: FileSample) -> None:
    """Refuse totals that we exported: the slots that they are of are lost, and days that lack some would look whole."""
    if {header_key(name) for name in head.table.names} >= _TOTALS:
        raise UnreadableFile(
            f"{head.name} holds totals that were exported from Eclectyc, not readings.",
            "Export the readings themselves (eclectyc export readings) and import that file.",
        )


def _candidates(type_option: str, head: FileSample) -> list[Reader]:
    if type_option not in TYPES:
        raise Invalid(f"There is no file type {type_option!r}.", f"Use one of {', '.join(TYPES)}.", field="type")
    if type_option == "auto":
        return readers(head)
    if type_option == "hh":
        return [reader for reader in readers(head) if reader.kind == "readings" and reader.name not in _NOT_HALF_HOURLY]
    return [reader for reader in readers() if reader.name == type_option]


def _surest(found: list[Match], *, is_named: bool) -> Match:
    """Return the surest answer, or refuse to guess."""
    found.sort(key=lambda pair: -pair[1].sure)
    reader, seen = found[0]
    near = [pair for pair in found if pair[1].sure > seen.sure - TIE_MARGIN]
    if len(near) > 1:
        raise _ambiguous(near)
    if seen.sure < MINIMUM_SURENESS and not is_named:
        raise UnreadableFile(
            f"The file may be {_describe(seen)}, but that is not sure enough to be taken for granted.",
            f"If it is, say so with -t {reader.name}.",
            field="type",
        )
    return found[0]


def _unknown(head: FileSample, type_option: str) -> UnreadableFile:
    names = [name for name in head.table.names if name]
    shown = ", ".join(name[:40] for name in names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    kind = "" if type_option in ("auto", "hh") else f" as {type_option}"
    return UnreadableFile(
        f"{head.name} is not understood{kind}. Line {head.table.header_line} was taken for its header; "
        f"the columns are: {shown}.",
        _READABLE_LAYOUTS,
    )


def _ambiguous(near: list[Match]) -> UnreadableFile:
    ways = "; or ".join(_describe(seen) for _, seen in near[:_SHOWN])
    return UnreadableFile(
        f"The file can be read in more than one way: {ways}.",
        f"Choose one with {' or '.join(f'-t {reader.name}' for reader, _ in near[:_SHOWN])}.",
        field="type",
    )


def _describe(seen: Recognition) -> str:
    return f"{seen.format} ({seen.why}; {seen.sure:.0%} sure)"
