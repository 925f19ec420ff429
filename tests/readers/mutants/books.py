"""How a workbook is damaged: its cells, the parts that are packed in it, and the packing."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.readers.mutants.documents import _element, _element_text, _head
from tests.readers.mutants.texts import BYTES, MOMENTS, NUMBERS, WORDS, count, drop_bytes, flipped_bit, odd_bytes

Grid = list[list[Any]]


@st.composite
def grids(draw: Callable, rows: Grid) -> Grid:
    """Return the rows of a sheet with one to three cells, rows or columns changed."""
    rows = [list(row) for row in rows]
    for _ in range(draw(st.integers(1, 3))):
        at = len(rows) - 1 - count(draw, 5) if draw(st.booleans()) else count(draw, len(rows))
        what, row = count(draw, 8), rows[at]
        if what == 0:
            del rows[at]
        elif what == 1:
            rows.insert(count(draw, len(rows)), list(row))
        elif what == 2:
            other = count(draw, len(rows))
            rows[at], rows[other] = rows[other], rows[at]
        elif what == 3 and row:
            row.insert(count(draw, len(row)), None)
        elif row:
            n = count(draw, len(row))
            row[n] = _other(draw, row[n])
        if not rows:
            return [["x"]]
    return rows


def _other(draw: Callable, cell: Any) -> Any:
    words = [word for word in (*NUMBERS, *MOMENTS, *WORDS) if word.isprintable() and len(word) < 32_000]
    odd: list[Any] = [None, "", 0, -1, 1e12, 2e12, 1.0, 60, 2958465, -0.5, True, str(cell), time(0, 30), *words]
    if isinstance(cell, datetime | date | time):
        odd += [datetime(1900, 3, 1), datetime(2013, 3, 31, 1, 30), date(2012, 10, 28), 1e-320]
    if isinstance(cell, datetime | date):
        odd += [cell + timedelta(days=1), cell - timedelta(days=366)]
    if isinstance(cell, datetime):
        odd += [cell + timedelta(minutes=30), cell + timedelta(seconds=29), cell.date(), f"{cell:%d/%m/%Y %H:%M}"]
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        odd += [-cell, cell * 10, cell + 1, f"{cell}", 0.1 + 0.2 if isinstance(cell, float) else cell]
    return odd[count(draw, len(odd))]


def parts_of(content: bytes) -> dict[str, bytes]:
    """Return the parts of an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def packed_again(parts: dict[str, bytes]) -> bytes:
    """Pack parts."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), data)
    return packed.getvalue()


def _cell_xml(draw: Callable, content: bytes) -> bytes:
    """Change a cell's attributes: its kind, its style, where it stands."""
    found = list(re.finditer(rb'(?<= )(?:[rst]|office:[\w-]+|table:[\w-]+)="[^"]*"', content))
    if not found:
        return content
    match = found[count(draw, len(found))]
    name = match[0].partition(b"=")[0]
    odd = (b"", b"0", b"-1", b"99999999", b"A1", b"XFD1048576", b"s", b"str", b"b", b"e", b"d", b"n", b"1e400",
    b"float", b"date",
           b"string", b"percentage", b"PT24H00M00S", b"2013-03-31T01:30:00", b"1,5", b"ZZZZ1", b"1048577")  # fmt: skip
    return content[: match.start()] + name + b'="' + odd[count(draw, len(odd))] + b'"' + content[match.end() :]


def _formula(draw: Callable, content: bytes) -> bytes:
    """Make a cell a formula, with and without its value."""
    found = list(re.finditer(rb"<v>", content))
    if not found:
        return content
    at = found[count(draw, len(found))].start()
    made = (b"<f>1+1</f>", b"<f>cmd|' /C calc'!A0</f>", b"<f/>", b'<f t="shared" si="0"/>', b"<f>1</f><v></v>")[
        count(draw, 5)
    ]
    return content[:at] + made + content[at:]


@st.composite
def archives(draw: Callable, content: bytes) -> bytes:
    """Return a workbook whose parts, or whose packing, are damaged."""
    if draw(st.integers(0, 3)) == 0:
        damage = (*BYTES, _lies)[count(draw, len(BYTES) + 1)]
        return damage(draw, content)
    parts = parts_of(content)
    names = [name for name in parts if name.endswith((".xml", ".rels"))]
    cells = [name for name in names if "sheet" in name.lower() or name == "content.xml"]
    for _ in range(draw(st.integers(1, 2))):
        name = (cells if cells and draw(st.booleans()) else names)[count(draw, len(names)) % len(cells or names)]
        what = count(draw, 9)
        if what == 0:
            parts.pop(name, None)
            names, cells = [n for n in names if n != name] or names, [n for n in cells if n != name]
            continue
        if what == 1:
            parts[f"../../{name}"] = parts.get(name, b"")
        damage = (_element_text, _element_text, _cell_xml, _cell_xml, _formula, _element, _head, odd_bytes, drop_bytes)[
            what
        ]
        parts[name] = damage(draw, parts.get(name, b"<x/>"))
    return packed_again(parts)


def _lies(draw: Callable, content: bytes) -> bytes:
    """Change a size, a method or a name in the list of parts."""
    at = [match.start() for match in re.finditer(b"PK\x01\x02", content)]
    if not at:
        return content
    where = at[count(draw, len(at))]
    offset, value = ((20, 1 << 31), (24, 1 << 31), (24, 0), (20, 0), (8, 1), (10, 99), (42, 0), (28, 60_000))[
        count(draw, 8)
    ]
    size = 2 if offset in (8, 10, 28) else 4
    return content[: where + offset] + struct.pack("<I", value)[:size] + content[where + offset + size :]


@st.composite
def compounds(draw: Callable, content: bytes) -> bytes:
    """Return an old workbook with bytes changed, often such as say how it is laid out."""
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            at = count(draw, min(len(content), 600)) if draw(st.booleans()) else count(draw, len(content) // 4) * 4
            content = (
                content[:at]
                + struct.pack("<I", (0, 1, 0xFFFFFFFE, 0xFFFF, 1 << 31)[count(draw, 5)])
                + content[at + 4 :]
            )
        else:
            content = (flipped_bit, odd_bytes, drop_bytes, lambda d, c: c[: count(d, len(c))])[count(draw, 4)](
                draw, content
            )
    return content
