"""The files to damage: for each format a golden file, the kinds of damage, and its plain reader."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache, partial
from typing import Any

from hypothesis import strategies as st

from tests.readers.formats import london
from tests.readers.formats.golden import Golden, golden
from tests.readers.formats.samples import workbooks
from tests.readers.formats.sheets import ods, xls, xlsx
from tests.readers.mutants import plain_documents, plain_records, plain_tables
from tests.readers.mutants.books import archives, compounds, grids
from tests.readers.mutants.documents import answers, feeds
from tests.readers.mutants.plain import Expected
from tests.readers.mutants.plain_tables import Columns, Read, Rows
from tests.readers.mutants.profile import DECLARED, PROFILE, declared
from tests.readers.mutants.texts import texts


class Whole(bytes):
    """The golden file, kept out of pytest's output."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


class Sheet(list[list[Any]]):
    """The rows of a sound sheet, likewise."""

    def __repr__(self) -> str:
        return f"<{len(self)} rows>"


@dataclass(frozen=True, repr=False)
class Mutant:
    """A damaged file. rows : the rows of a workbook's sheet, if known without reading it."""

    content: bytes
    rows: Rows | None = None

    def __repr__(self) -> str:
        return f"<a mutant of {len(self.content)} bytes>"


@dataclass(frozen=True)
class Subject:
    """A golden file and what is done with it.

    slots, reads, records : the plain reader of its kind. step : of its slots [minutes]. profile : the TOML that
    declares it. is_document : a *line* is a reading's number.
    """

    name: str
    golden: Golden
    mutants: st.SearchStrategy[Mutant]
    slots: Callable[[Mutant, str, str], Expected] | None = None
    reads: Callable[[Mutant], list[Read] | None] | None = None
    records: Callable[[Mutant], dict[int, dict[str, str]] | None] | None = None
    step: int = 30
    profile: str = ""
    is_document: bool = False

    @property
    def options(self) -> dict[str, Any]:
        makes = {"create_meters": True} if self.slots or self.reads else {}
        return makes | {"site": "Dock Office"} | self.golden.options


_HH = tuple(f"hh{n:02}" for n in range(1, 51))
_CLOCKS = tuple(f"{k // 2:02}{k % 2 * 30:02}" for k in range(50))
LONG = Columns({"mpan": "meter", "readdatetimeendlocal": "stamp", "kwh": "value", "flag": "flag"}, stamps="end")
SIMPLE = Columns(
    {"mpancore": "meter", "channeltype": "quantity", "startdate": "stamp", "value": "value", "status": "flag"},
    zone="UTC",
)
WIDE = Columns(
    {"mpan": "meter", "date": "date"}, slots=_HH, flag_slots=tuple(f"f{n:02}" for n in range(1, 51))
)  # fmt: skip
EDF = Columns(
    {"mpan": "meter", "measurementtype": "quantity", "settlementdate": "date"}, slots=_CLOCKS,
    flag_slots=tuple(f"{clock}actest" for clock in _CLOCKS), ignored=frozenset({"month"}),
)  # fmt: skip
MATRIX = Columns(
    {"datetimeutc": "stamp", "1200023305967kwh": "value 1200023305967", "1000000000040kwh": "value 1000000000040"},
    zone="UTC", step=60,
)  # fmt: skip
DAILY = Columns({"mpan": "meter", "date": "date", "kwh": "value", "status": "flag"}, step=1440)
READS = Columns(
    {"mpan": "meter", "serial": "serial", "readdatetime": "stamp", "readingkwh": "value", "readingtype": "flag"}
)
DELIVERIES = Columns({"meter": "meter", "date": "date", "kind": "kind", "litres": "value", "ticket": "reference"})
SITES = Columns(
    dict.fromkeys(("sitename", "address", "postcode", "sitetype", "floorarea", "lat", "lng", "regionid"), "")
)
METERS = Columns(dict.fromkeys(("mpan", "site", "utility", "direction", "serial", "unit"), ""))
BOOK_WIDE = Columns({"mpan": "meter", "settlementdate": "date"}, slots=_HH)
HOURS = Columns({"mpan": "meter", "date": "date", "starttime": "time", "kwh": "value"}, step=60)


Make = Callable[[Any], Mutant]


@st.composite
def _made(draw: Callable[..., Any], damage: st.SearchStrategy[Any], make: Make) -> Mutant:
    return make(draw(damage))


def _mutants(damage: Callable[[bytes], st.SearchStrategy[bytes]], content: bytes, make: Make = Mutant) -> Any:
    return _made(damage(Whole(content)), make)


def _table(name: str, file: str, columns: Columns, *, by_day: bool = False) -> Subject:
    read = plain_tables.days if by_day else plain_tables.readings
    plain = partial(_read_table, read, columns)
    return Subject(name, golden()[file], _mutants(texts, golden()[file].content), plain, step=columns.step)


def _read_table(read: Callable[..., Expected], columns: Columns, mutant: Mutant, zone: str, stamps: str) -> Expected:
    return read(mutant.content, columns, mutant.rows, zone=zone, stamps=stamps)


def _lines(name: str, file: str, read: Callable[[bytes, str], Expected], step: int = 30) -> Subject:
    return Subject(
        name,
        golden()[file],
        _mutants(texts, golden()[file].content),
        lambda m, zone, _: read(m.content, zone),
        step=step,
    )


def _document(name: str, file: str, damage: Any, read: Callable[[bytes, str], Expected]) -> Subject:
    return Subject(
        name, golden()[file], _mutants(damage, golden()[file].content), lambda m, *_: read(m.content, london.METER),
        is_document=True,
    )  # fmt: skip


def _book(
    name: str, file: str, rows: list[list[Any]], columns: Columns, make: Callable[..., bytes], *, by_day: bool = False
) -> Subject:
    """A workbook: half of its mutants have other cells, the others are damaged in their packing."""
    content = golden()[file].content
    damage = compounds if make is xls else archives
    cells = _made(grids(Sheet(rows)), lambda grid: Mutant(make({"Sheet1": grid}), as_text(grid)))
    read = plain_tables.days if by_day else plain_tables.readings
    plain = partial(_read_book, read, columns)
    return Subject(name, golden()[file], cells | _mutants(damage, content), plain, step=columns.step)


def _read_book(read: Callable[..., Expected], columns: Columns, mutant: Mutant, zone: str, stamps: str) -> Expected:
    if mutant.rows is None:
        return Expected().vague("damaged in its packing")
    return read(b"", columns, mutant.rows, zone=zone, stamps=stamps)


def as_text(grid: Sequence[Sequence[Any]]) -> Rows:
    """Return the rows of a sheet as a person would copy them."""
    return [(number, [_text(cell) for cell in row]) for number, row in enumerate(grid, 1) if any(_text(c) for c in row)]


def _text(cell: Any) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "TRUE"
        case datetime():
            return f"{cell:%Y-%m-%d %H:%M:%S}"
        case date():
            return f"{cell:%Y-%m-%d}"
        case time():
            return f"{cell:%H:%M}"
        case float() | int():
            return str(int(cell)) if cell == int(cell) and abs(cell) < 1e15 else repr(cell)
    return str(cell)


@cache
def subjects() -> dict[str, Subject]:
    """Return every subject by name."""
    reads = golden()["reads.csv"], golden()["deliveries.csv"]
    long_rows = workbooks.long_rows()[2:-1]
    found = [
        _table("long", "london-long.csv", LONG),
        _table("simple long", "simple-long.csv", SIMPLE),
        _table("wide", "london-wide.csv", WIDE, by_day=True),
        _table("EDF wide-50", "edf-portal.csv", EDF, by_day=True),
        _table("matrix", "matrix.csv", MATRIX),
        _table("daily", "daily.csv", DAILY, by_day=True),
        Subject("registers", reads[0], _mutants(texts, reads[0].content),
                reads=lambda m: plain_tables.reads(m.content, READS)),
        Subject("deliveries", reads[1], _mutants(texts, reads[1].content),
                reads=lambda m: plain_tables.reads(m.content, DELIVERIES)),
        _lines("bglobal", "bglobal.csv", plain_records.bglobal),
        _lines("stark", "stark.df2", plain_records.stark),
        _lines("d0379", "d0379.txt", plain_records.d0379),
        _lines("nem12", "nem12-qualities.csv", plain_records.nem12),
        _lines("nem12 of several", "nem12-several.csv", plain_records.nem12, 15),
        Subject("nem13", golden()["nem13.csv"], _mutants(texts, golden()["nem13.csv"].content),
                reads=lambda m: plain_records.nem13(m.content)),
        Subject("d0010", golden()["reads.uff"], _mutants(texts, golden()["reads.uff"].content),
                reads=lambda m: plain_records.d0010(m.content)),
        _document("octopus", "london-octopus.json", answers, plain_documents.octopus),
        _document("n3rgy", "london-n3rgy.json", answers, plain_documents.n3rgy),
        _document("glowmarkt", "london-glowmarkt.json", answers, plain_documents.glowmarkt),
        _document("greenbutton", "london-greenbutton.xml", feeds, plain_documents.green_button),
        _book("xlsx", "london-long.xlsx", long_rows, LONG, xlsx),
        _book("xlsx wide", "london-wide.xlsx", workbooks.wide_rows(), BOOK_WIDE, xlsx, by_day=True),
        _book("xls", "hours.xls", workbooks.odd_hours(), HOURS, xls),
        _book("ods", "hours.ods", workbooks.odd_hours(), HOURS, ods),
        Subject("sites", golden()["sites.csv"], _mutants(texts, golden()["sites.csv"].content),
                records=lambda m: plain_tables.records(m.content, SITES)),
        Subject("meters", golden()["meters.csv"], _mutants(texts, golden()["meters.csv"].content),
                records=lambda m: plain_tables.records(m.content, METERS)),
        Subject("csv.gz", golden()["london-long.csv"],
                _mutants(texts, golden()["london-long.csv"].content, lambda c: Mutant(gzip.compress(c, 1, mtime=0))),
                partial(_read_table, plain_tables.readings, LONG)),
        Subject("declared", DECLARED, _mutants(texts, DECLARED.content), lambda m, *_: declared(m.content),
                profile=PROFILE),
    ]  # fmt: skip
    return {subject.name: subject for subject in found}
