"""Find a mapping's columns in a file: its delimiter, its header, and the index of each column."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from eclectyc.intake.profiles.mapping import ColumnRef, Mapping
from eclectyc.intake.profiles.record_files import UNFOLDED_DELIMITER, following, unfold
from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.source import HEAD_LINES, Source
from eclectyc.readers.tables.file_sample import DELIMITERS, SampleLine, TableSample, first_rows
from eclectyc.readers.tables.headings import header_key

_SAMPLE: Final = 500  # lines
_SHOWN: Final = 12


def declared_table(source: Source, mapping: Mapping) -> TableSample:
    """Return the header and the first lines of a file according to its profile."""
    if source.kind != "lines":
        raise UnreadableFile(f"{source.name} is not a table.", "Import it without the profile.")
    delimiter_given = {"tab": "\t"}.get(mapping.file.delimiter, mapping.file.delimiter) or source.delimiter
    if mapping.file.records is not None:
        rows = [line.cells for line in first_rows(source.head_text, UNFOLDED_DELIMITER, _SAMPLE) if any(line.cells)]
        return TableSample(UNFOLDED_DELIMITER, required_columns(mapping), 0, rows)
    known = [delimiter_given] if delimiter_given else list(DELIMITERS)
    by_delimiter = {delimiter: first_rows(source.head_text, delimiter, _SAMPLE) for delimiter in known}
    if not mapping.file.header:
        return _without_header(by_delimiter, mapping)
    skip = mapping.file.skip_rows
    for delimiter, lines in by_delimiter.items():
        for n, line in enumerate(lines[:HEAD_LINES]):
            if (skip is None or line.number == skip + 1) and _has_all(line, mapping):
                return TableSample(
                    delimiter, line.cells, line.number, [row.cells for row in lines[n + 1 :] if any(row.cells)]
                )
    raise _no_header(by_delimiter, mapping)


def with_its_header(source: Source, mapping: Mapping, header_line: int) -> Mapping:
    """Return a mapping that finds its header in this line: by the columns it names if that is enough, otherwise by
    the number of lines above it."""
    if not mapping.file.header or mapping.file.records is not None:
        return mapping
    try:
        if declared_table(source, mapping).header_line == header_line:
            return mapping
    except UnreadableFile:
        pass
    shape = mapping.file.model_copy(update={"skip_rows": header_line - 1})
    return mapping.model_copy(update={"file": shape})


def required_columns(mapping: Mapping) -> list[str]:
    """Return the columns that a mapping uses of a file with several record types."""
    names = [str(place) for place in mapping.columns.column_refs().values()]
    slots = mapping.columns.slots
    for first in (slots.first, slots.flags) if slots else ():
        if first is not None and slots:
            names += [following(str(first), n * slots.every) for n in range(slots.count)]
    return list(dict.fromkeys(names))


@contextmanager
def table_source(source: Source, mapping: Mapping) -> Iterator[Source]:
    """Yield a file as a table; one with several record types is unfolded."""
    shape = mapping.file
    if shape.records is None:
        yield source
        return
    if source.kind != "lines":
        raise UnreadableFile(f"{source.name} is not a table.", "Import it without the profile.")
    with tempfile.TemporaryDirectory(prefix="eclectyc-lines-") as folder:
        yield unfold(
            source,
            Path(folder) / source.name,
            delimiter=delimiter_of(source, mapping),
            kind_cell=shape.records,
            data=next(iter(mapping.data_kinds())),
            columns=required_columns(mapping),
        )


def delimiter_of(source: Source, mapping: Mapping) -> str:
    """Return the delimiter of a file with several record types."""
    given = mapping.file.delimiter
    return {"tab": "\t"}.get(given, given) or source.delimiter or _likeliest(source)


def _likeliest(source: Source) -> str:
    def cells(mark: str) -> int:
        return sum(len(line.cells) for line in first_rows(source.head_text, mark, HEAD_LINES))

    return max(DELIMITERS, key=cells)


def column_at(place: ColumnRef, names: list[str]) -> int:
    """Return the index of a column; raise ``UnreadableFile`` if the file has no such column, or two."""
    if isinstance(place, int):
        if place > len(names):
            raise UnreadableFile(
                f"The profile names column {place}; the file has {len(names)}.", "Correct the profile, or the file."
            )
        return place - 1
    found = [n for n, name in enumerate(names) if name == place]
    found = found or [n for n, name in enumerate(names) if header_key(name) and header_key(name) == header_key(place)]
    if len(found) != 1:
        shown = ", ".join(repr(name[:40]) for name in names[:_SHOWN] if name)
        many = "has several columns" if found else "has no column"
        raise UnreadableFile(
            f"The file {many} {place!r}. Its columns are: {shown}.",
            "Correct the profile, or the file.",
            field=place,
        )
    return found[0]


def _has_all(line: SampleLine, mapping: Mapping) -> bool:
    places = mapping.columns.column_refs().values()
    keys = {header_key(cell) for cell in line.cells}
    named = [place for place in places if isinstance(place, str)]
    if any(place not in line.cells and header_key(place) not in keys for place in named):
        return False
    return max((place for place in places if isinstance(place, int)), default=1) <= len(line.cells)


def _without_header(by_delimiter: dict[str, list[SampleLine]], mapping: Mapping) -> TableSample:
    skip = mapping.file.skip_rows or 0
    places = [place for place in mapping.columns.column_refs().values() if isinstance(place, int)]
    delimiter, lines = max(by_delimiter.items(), key=lambda item: max(len(line.cells) for line in item[1]))
    data = [line.cells for line in lines if line.number > skip and any(line.cells)]
    width = max((len(cells) for cells in data), default=0)
    slots = mapping.columns.slots
    if slots and isinstance(slots.first, int):
        places += list(range(slots.first, slots.first + slots.count * slots.every, slots.every))
    names = [f"column {n}" if n in places else "" for n in range(1, width + 1)]
    return TableSample(delimiter, names, skip, data)


def _no_header(by_delimiter: dict[str, list[SampleLine]], mapping: Mapping) -> UnreadableFile:
    lines = max(by_delimiter.values(), key=lambda lines: max((len(line.cells) for line in lines), default=0))
    skip = mapping.file.skip_rows or 0
    header = next((line for line in lines if line.number > skip and any(line.cells)), None)
    shown = ", ".join(repr(cell[:40]) for cell in (header.cells if header else [])[:_SHOWN] if cell)
    wanted = ", ".join(repr(place) for place in mapping.columns.column_refs().values())
    return UnreadableFile(
        f"No line near the top has the profile's columns: {wanted}. The file begins: {shown}.",
        "Correct the profile, or choose another file.",
    )
