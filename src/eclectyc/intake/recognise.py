"""Which format a file is in: the readers are asked in turn, and the surest answer counts.

Two equally sure answers, a file nobody knows and one that may hold register readings are refused with what was
found, what was wanted, and the option that settles it.
"""

from __future__ import annotations

from typing import Final

from eclectyc.intake.blocks import Recognition, UnreadableFile
from eclectyc.intake.files.head import Head, head_of
from eclectyc.intake.files.source import Source
from eclectyc.intake.formats import Reader, readers
from eclectyc.intake.registers import refuse_registers
from eclectyc.kernel.errors import Invalid

TYPES: Final = ("auto", "hh", "wide", "long", "matrix", "daily", "sites", "meters")
_HALF_HOURLY: Final = ("wide", "long", "matrix")
_WANTED: Final = (
    "Wanted is one of: a line a reading (meter, date and time, value), a line a day (meter, date, 46, 48 or 50 "
    "half-hours), a line a moment with a column for each meter, a line a day with one value, a list of sites or of "
    "meters. Rename the columns, or name the format with -t."
)


def recognise(source: Source, type_option: str = "auto") -> tuple[Reader, Recognition]:
    """Return the reader for a file and what it recognised; ``UnreadableFile`` where none fits."""
    asked = _asked(type_option)
    head = head_of(source)
    found: list[tuple[Reader, Recognition]] = []
    refusals: list[UnreadableFile] = []
    for reader in asked:
        try:
            seen = reader.recognise(head)
        except UnreadableFile as refusal:
            refusals.append(refusal)
            continue
        if seen is not None:
            found.append((reader, seen))
    if not found:
        raise refusals[0] if refusals else _unknown(head, type_option)
    found.sort(key=lambda pair: -pair[1].sure)
    if len(found) > 1 and found[0][1].sure == found[1][1].sure:
        raise _ambiguous(found)
    reader, seen = found[0]
    if not seen.is_table:
        return reader, seen
    if not head.table.rows:
        raise UnreadableFile(
            f"{source.name} has a header and no data under it.", "Export it again with the lines it should hold."
        )
    if type_option in ("auto", "hh"):
        refuse_registers(head.table, seen)
    return reader, seen


def _asked(type_option: str) -> list[Reader]:
    if type_option not in TYPES:
        raise Invalid(f"There is no file type {type_option!r}.", f"Use one of {', '.join(TYPES)}.", field="type")
    names = {"auto": None, "hh": _HALF_HOURLY}.get(type_option, (type_option,))
    return [reader for reader in readers() if names is None or reader.name in names]


def _unknown(head: Head, type_option: str) -> UnreadableFile:
    names = [name for name in head.table.names if name]
    shown = ", ".join(name[:40] for name in names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    kind = "" if type_option in ("auto", "hh") else f" as {type_option}"
    return UnreadableFile(
        f"{head.name} is not understood{kind}. Line {head.table.header_line} was taken for its header; "
        f"the columns are: {shown}.",
        _WANTED,
    )


def _ambiguous(found: list[tuple[Reader, Recognition]]) -> UnreadableFile:
    ways = "; or ".join(f"{seen.format} ({seen.why})" for _, seen in found[:3])
    return UnreadableFile(
        f"The file can be read in more than one way: {ways}.",
        f"Choose one with {' or '.join(f'-t {reader.name}' for reader, _ in found[:3])}.",
    )
