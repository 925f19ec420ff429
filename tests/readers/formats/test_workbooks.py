"""Workbooks of all kinds: which sheet is read, what cells mean, and what is refused before it does harm."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from eclectyc.estate.models import Meter, Site
from eclectyc.kernel.errors import Invalid
from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.cell_format import format_of, number_text
from eclectyc.readers.files.workbook import open_workbook
from eclectyc.readers.open_file import open_file
from eclectyc.readers.reader import ReadOptions
from tests.factories import World
from tests.intake.import_calls import bring
from tests.readers.formats.golden import golden
from tests.readers.formats.sheets import Sheets, ods, xls, xlsx
from tests.readers.reading import Read

MPAN = "1200023305967"
WRITERS: dict[str, Callable[[Sheets], bytes]] = {"xlsx": xlsx, "ods": ods, "xls": xls}
LONG = [["MPAN", "Date and time", "kWh"], [MPAN, datetime(2025, 6, 1), 1.5], [MPAN, datetime(2025, 6, 1, 0, 30), 2.25]]
SHEET = "xl/worksheets/sheet1.xml"


def rows(path: Path, sheet: int = 0) -> list[tuple[int, list[str]]]:
    with open_workbook(path) as book:
        assert book is not None
        return list(book.rows(book.sheets[sheet]))


def read(path: Path, **options: str) -> Read:
    """Open, recognise and read a workbook."""
    with open_file(path, ReadOptions(**options)) as file:
        result = Read(file.recognition)
        for block, errors in file.reader.read(file.source, file.recognition, ReadOptions(**options)):
            result.blocks.append(block)
            result.errors += errors
    return result


def written(folder: Path, sheets: Sheets, kind: str = "xlsx") -> Path:
    path = folder / f"book.{kind}"
    path.write_bytes(WRITERS[kind](sheets))
    return path


def rewritten(path: Path, part: str, change: Callable[[str], str]) -> Path:
    """Rewrite a workbook with one part changed."""
    packed = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            data = old.read(info.filename)
            new.writestr(info.filename, change(data.decode()).encode() if info.filename == part else data)
    return path


def archive(path: Path, parts: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts.items():
            made.writestr(name, data)
    return path


# Which sheet


@pytest.mark.django_db
def test_the_first_sheet_that_is_understood_is_read(world: World, tmp_path: Path) -> None:
    meters = [["Our meters"], [], ["MPAN", "Site", "Utility"], [1000000000040, "Harbour House", "gas"]]
    path = written(tmp_path, {"Empty": [], "Cover": [["Read me"], ["then the next sheet"]], "Meters": meters})
    report = bring(world, path)
    assert (report.format, report.created_meters, report.file) == ("meters", 1, "book.xlsx")
    assert "on sheet 'Meters'" in report.why
    assert report.warnings == [
        "Only sheet 'Meters' of the workbook was read; --sheet chooses another: 'Empty', 'Cover'."
    ]
    assert Meter.objects.get(identifier="1000000000040", organisation=world.org).utility == "gas"


@pytest.mark.django_db
def test_a_rejected_line_has_the_sheets_own_number(world: World, tmp_path: Path) -> None:
    lines = [[], [], ["Site name", "Postcode", "Area"], ["Mill", "LS1", 5], [], ["Quay", "LS2", "big"]]
    report = bring(world, written(tmp_path, {"Sheet1": lines}))
    assert [(error.line, error.column) for error in report.errors] == [(6, "Area")]
    assert Site.objects.filter(name="Mill").exists()


@pytest.mark.parametrize("kind", WRITERS)
def test_a_named_sheet_is_read_and_no_other(kind: str, tmp_path: Path) -> None:
    other = [LONG[0], [MPAN, datetime(2025, 7, 1, 9), 9.0]]
    path = written(tmp_path, {"June": LONG, "July": other}, kind)
    assert read(path).column("value") == [1.5, 2.25]
    july = read(path, sheet="july")
    assert (july.column("value"), july.recognition.warnings) == ([9.0], [])
    with pytest.raises(Invalid, match=r"no sheet 'August'\. Its sheets are 'June', 'July'"):
        read(path, sheet="August")


def test_a_sheet_is_named_only_of_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("MPAN,Date and time,kWh\nA,2025-06-01 00:00,1\n")
    with pytest.raises(Invalid, match="is not a workbook"):
        read(path, sheet="June")


def test_hidden_sheets_are_passed_over_unless_they_are_named(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, value in (("Old", 1), ("New", 2)):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["MPAN", "Date", "kWh"])
            sheet.write_row(1, 0, [MPAN, "2025-06-01", value])
        book.get_worksheet_by_name("New").activate()
        book.get_worksheet_by_name("Old").hide()
    assert read(path).values.tolist() == [[2.0]]
    assert read(path, sheet="Old").values.tolist() == [[1.0]]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_workbook_without_anything_says_so(kind: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no sheet with content"):
        read(written(tmp_path, {"Sheet1": []}, kind))


def test_a_workbook_that_is_not_understood_is_refused_by_its_first_sheet(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"Sheet 'One': .*not recognised"):
        read(written(tmp_path, {"One": [["a", "b"], [1, 2]], "Two": [["c"], [3]]}))


# What cells mean


@pytest.mark.parametrize("kind", WRITERS)
def test_dates_times_and_moments_are_real_ones(kind: str, tmp_path: Path) -> None:
    cells = ["x", date(2025, 3, 30), datetime(2025, 3, 30, 23, 30), time(0, 30), 0.1, 1200023305967, True, 'a, "b"\nc']
    found = rows(written(tmp_path, {"Sheet1": [["a"] * 8, [None], cells]}, kind))
    assert found[-1][0] == 3
    texts = found[-1][1]
    assert texts[:6] == ["x", "2025-03-30", "2025-03-30 23:30", "00:30", "0.1", "1200023305967"]
    assert (texts[6].upper(), texts[7]) == ("TRUE", 'a, "b" c')


@pytest.mark.parametrize(
    ("value", "shown", "text"),
    [
        ("45000", "date", "2023-03-15"),
        ("45000.0208333333", "stamp", "2023-03-15 00:30"),
        ("45000.99999999", "stamp", "2023-03-16 00:00"),  # a moment is a fraction, and not exact
        ("45000.9999999", "date", "2023-03-16"),
        ("45000.5", "date", "2023-03-15 12:00"),
        ("45000", "stamp", "2023-03-15 00:00"),
        ("0.9999999", "time", "24:00"),
        ("1", "time", "24:00"),
        ("1.5", "time", "36:00"),
        ("0.020833333", "time", "00:30"),
        ("0.0001157407", "time", "00:00:10"),
        ("45000.5", "time", "2023-03-15 12:00"),
        ("1E-07", "", "1e-07"),
        ("1.200023305967E12", "", "1200023305967"),
        ("801001200023305967000", "", "8.01001200023306E+20"),  # fifteen digits are all that a cell keeps
        ("0.10000000000000001", "", "0.10000000000000001"),
        ("-5", "date", "-5"),
        ("99999999", "date", "99999999"),
        ("nan", "", "nan"),
    ],
)
def test_a_number_is_told_as_it_is_shown(value: str, shown: Any, text: str) -> None:
    assert number_text(value, shown) == text


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("dd/mm/yyyy", "date"), ("mmm yy", "date"), ("[$-809]dd mmmm yyyy;@", "date"), ("hh:mm", "time"),
        ("[h]:mm:ss", "time"), ("mm:ss", "time"), ("h:mm AM/PM", "time"), ("dd/mm/yy hh:mm", "stamp"),
        ("General", ""), ("0.00", ""), ("#,##0;[Red]-#,##0", ""), ('0.0" days"', ""), ("0.00E+00", ""),
        ('"m³" 0', ""), ("@", ""), ("0\\d", ""),
    ],
)  # fmt: skip
def test_a_format_shows_a_date_a_time_both_or_a_number(code: str, shown: str) -> None:
    assert format_of(200, code) == shown


def test_a_workbook_that_counts_from_1904_has_the_same_dates(tmp_path: Path) -> None:
    book = tmp_path / "mac.xlsx"
    book.write_bytes(xlsx({"Sheet1": LONG}, date_1904=True))
    assert rows(book) == rows(written(tmp_path, {"Sheet1": LONG}))


def test_serial_numbers_that_nobody_formatted_are_dates_where_dates_are_wanted(tmp_path: Path) -> None:
    path = written(tmp_path, {"Sheet1": [LONG[0], [MPAN, 45809.0, 1.5], [MPAN, 45809.0208333333, 2.25]]})
    assert read(path).column("stamp") == [datetime(2025, 6, 1), datetime(2025, 6, 1, 0, 30)]


def test_an_error_in_a_cell_rejects_its_line_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for line, row in enumerate([["MPAN", "Date", "kWh"], [MPAN, "2025-06-01", 1], [MPAN, "2025-06-02", 0]]):
            sheet.write_row(line, 0, row)
        sheet.write_formula(2, 2, "=NA()", None, "#N/A")
    found = read(path)
    assert found.values.tolist() == [[1.0]]
    assert [(e.line, e.column, e.reason) for e in found.errors] == [(3, "kWh", "'#N/A' is a spreadsheet error.")]


def with_formula(folder: Path, value: Any) -> Path:
    path = folder / "formula.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for line, row in enumerate([["MPAN", "Date", "kWh"], [MPAN, "2025-06-01", 1], [MPAN, "2025-06-02"]]):
            sheet.write_row(line, 0, row)
        sheet.write_formula(2, 2, "=C2*2", None, value)
    return path


def test_a_formula_counts_with_its_saved_value(tmp_path: Path) -> None:
    assert read(with_formula(tmp_path, 2)).values.tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize("change", [lambda text: text, lambda text: text.replace("<v>0</v>", "<v></v>"),
                                    lambda text: text.replace("<v>0</v>", "")])  # fmt: skip
def test_a_formula_without_a_worked_out_value_is_never_nought(change: Callable[[str], str], tmp_path: Path) -> None:
    path = rewritten(with_formula(tmp_path, 0), SHEET, change)
    found = read(path)
    assert found.values.tolist() == [[1.0]]
    assert [(error.line, error.reason) for error in found.errors] == [
        (3, "'=C2*2' is a formula whose value was not saved.")
    ]


def test_a_nought_that_was_worked_out_is_one(tmp_path: Path) -> None:
    path = rewritten(with_formula(tmp_path, 0), "xl/workbook.xml", lambda text: text.replace('fullCalcOnLoad="1"', ""))
    assert read(path).values.tolist() == [[1.0], [0.0]]


def test_in_ods_errors_comments_and_formulas_are_told_apart(tmp_path: Path) -> None:
    error = {"valuetype": "float", "value": "0", "formula": "of:=1/0", "text": "#DIV/0!"}
    unsaved = {"formula": "of:=[.C2]*2"}
    saved = {"valuetype": "float", "value": "4", "formula": "of:=2*2", "text": "4"}
    lines = [
        ["MPAN", "Date", "kWh"],
        *([MPAN, date(2025, 6, n), cell] for n, cell in enumerate((error, unsaved, saved), 1)),
    ]
    path = written(tmp_path, {"Sheet1": lines}, "ods")
    comment = "<office:annotation><text:p>99</text:p></office:annotation><text:p>4</text:p>"
    rewritten(path, "content.xml", lambda text: text.replace("<text:p>4</text:p>", comment))
    found = read(path)
    assert found.values.tolist() == [[4.0]]
    assert [(error.line, error.reason) for error in found.errors] == [
        (2, "'#DIV/0!' is a spreadsheet error."),
        (3, "'=[.C2]*2' is a formula whose value was not saved."),
    ]


def test_repeated_cells_and_rows_of_ods_stand_as_often_as_they_say(tmp_path: Path) -> None:
    path = written(tmp_path, {"Sheet1": [["a", "b", "c"], [None], ["x", 1, 1]]}, "ods")
    rewritten(path, "content.xml", lambda text: text.replace(
        '<table:table-cell office:value-type="float" office:value="1"><text:p>1</text:p></table:table-cell>' * 2,
        '<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="3"/>'
        '<table:table-cell table:number-columns-repeated="16000"/>',
    ).replace("</table:table>", '<table:table-row table:number-rows-repeated="1000000"/></table:table>'))  # fmt: skip
    assert rows(path) == [(1, ["a", "b", "c"]), (3, ["x", "1", "1", "1"])]


def test_an_old_workbook_with_an_error_is_refused_because_it_would_read_as_blank(tmp_path: Path) -> None:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    sheet.write(0, 0, "x")
    sheet.row(4).set_cell_error(2, 0x2A)
    book.save(str(tmp_path / "old.xls"))
    with pytest.raises(UnreadableFile, match=r"has #N/A in row 5, column 3\. Fix the cell, or save .* as \.xlsx"):
        read(tmp_path / "old.xls")


def test_an_old_workbook_with_a_number_of_twenty_digits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="an identifier must be text"):
        read(written(tmp_path, {"Sheet1": [LONG[0], [8.01e20, datetime(2025, 6, 1), 1.0]]}, "xls"))


def test_formulas_of_an_old_workbook_that_nobody_worked_out_are_blank_and_said(tmp_path: Path) -> None:
    import xlwt

    path = written(tmp_path, {"Sheet1": [*LONG, [MPAN, datetime(2025, 6, 1, 1), xlwt.Formula("C2*2")]]}, "xls")
    found = read(path)
    assert found.column("value") == [1.5, 2.25, None]
    assert found.recognition.warnings == ["Sheet 'Sheet1' has 1 formula without a saved value: read as blank."]


# Two ways to read an .xlsx


def prefixed(text: str) -> str:
    """Give every element of a sheet a prefix, as some programs write them."""
    text = text.replace('xmlns="http', 'xmlns:x="http')
    return re.sub(r"<(/?)(?!\?)", r"<\1x:", text)


@pytest.mark.parametrize(
    "change",
    [
        prefixed,
        lambda text: re.sub(r'<c r="([A-Z]+)([0-9]+)"( s="[0-9]+")', r'<c\3 r="\1\2"', text),
        lambda text: re.sub(r' r="[A-Z]+[0-9]+"', "", text),
        lambda text: re.sub(r'<row r="[0-9]+"', "<row", text),
        lambda text: text.replace("<sheetData>", "<sheetData><!-- a comment -->"),
        lambda text: text.replace("</c>", "</c>\n"),
    ],
    ids=["prefix", "order of attributes", "no references", "no numbers of rows", "a comment", "line ends"],
)
@pytest.mark.parametrize("name", ["london-long.xlsx", "london-wide.xlsx", "hours.xlsx"])
def test_a_sheet_is_read_the_same_however_it_is_written(
    name: str, change: Callable[[str], str], tmp_path: Path
) -> None:
    sheet = -1
    usual = rows(golden()[name].write(tmp_path), sheet)
    with open_workbook(tmp_path / name) as book:
        assert book is not None
        part = book.sheets[sheet].part
    found = rows(rewritten(tmp_path / name, part, change), sheet)
    # A blank cell and a blank row have no element of their own: without references and numbers they cannot be told.
    if name == "london-long.xlsx":
        usual, found = usual[2:-1], found[2:-1]
    assert [cells for _, cells in found] == [cells for _, cells in usual]
    assert {number - n for number, n in zip((n for n, _ in usual), (n for n, _ in found), strict=True)} in ({0}, {1})


def test_what_follows_an_odd_row_is_read_once(tmp_path: Path) -> None:
    lines = [["a", n] for n in range(1, 40)]
    path = written(tmp_path, {"Sheet1": lines})
    rewritten(path, SHEET, lambda text: text.replace('<c r="B20"', '<c  r="B20"'))
    assert rows(path) == [(n, ["a", str(n)]) for n in range(1, 40)]


# What is refused


def truncated(path: Path) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    return path


@pytest.mark.parametrize("kind", WRITERS)
def test_a_truncated_workbook_is_refused(kind: str, tmp_path: Path) -> None:
    lines = [LONG[0], *([MPAN, datetime(2025, 6, 1, n // 2 % 24, n % 2 * 30), n / 7] for n in range(400))]
    with pytest.raises(UnreadableFile):
        read(truncated(written(tmp_path, {"Sheet1": lines}, kind)))


OPEN = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
CLOSE = "</sheetData></worksheet>"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def hostile_sheet(folder: Path, sheet: str) -> Path:
    """Return a workbook whose only sheet is this XML."""
    return rewritten(written(folder, {"Sheet1": LONG}), SHEET, lambda _: sheet)


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        (f'<!DOCTYPE x [<!ENTITY a "b">]>{OPEN}{CLOSE}', "document type"),
        (f"{OPEN}" + "<a>" * 9_000, "elements nested more than"),
        (f'{OPEN}<row r="1"><c r="ZZZZ1"><v>1</v></c></row>{CLOSE}',
         "out of order at ZZZZ1"),
        (f'{OPEN}<row r="2"/><row r="1"/>{CLOSE}', "rows are out of order"),
        (f'{OPEN}<row r="9999999"/>{CLOSE}', "rows are out of order"),
        (f'{OPEN}<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>{CLOSE}', "cells are out of order"),
        (f'{OPEN}<row r="1"><c r="A1" t="s"><v>999</v></c></row>{CLOSE}',
         "no text number 999"),
        (f'{OPEN}<row r="1"><c r="A1"><v>1\0</v></c></row>{CLOSE}',
         "not valid XML"),
        (f'{OPEN}<row r="1"><c r="A1"><v>1</v></c></row>', "is cut off"),
        (f'{OPEN}<row r="1"><c r="A1" t="str"><v>{"x" * 40_000}</v></c></row>{CLOSE}', "more text than"),
    ],
)  # fmt: skip
def test_a_hostile_sheet_is_refused(sheet: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(hostile_sheet(tmp_path, sheet))


def test_a_header_of_more_columns_than_are_read_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, {"Sheet1": [["MPAN", "Date", *(f"x{n}" for n in range(16_000))], [MPAN, "2025-06-01"]]})
    with pytest.raises(UnreadableFile, match="16,002 columns; the limit is 10,000"):
        read(path)


def test_two_cells_at_the_ends_of_a_sheet_take_no_more_memory_than_two_cells(tmp_path: Path) -> None:
    import tracemalloc

    ends = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    path = hostile_sheet(tmp_path, f"{OPEN}{ends}{CLOSE}")
    tracemalloc.start()
    found = rows(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(number, cells[0], cells[-1], len(cells)) for number, cells in found] == [
        (1, "1", "1", 1), (1_048_576, "", "2", 16_384),
    ]  # fmt: skip
    assert peak < 16 << 20


def test_an_old_workbook_from_its_first_cell_to_its_last_is_bounded(tmp_path: Path) -> None:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    sheet.write(0, 0, "x")
    sheet.write(65_535, 255, "y")
    book.save(str(tmp_path / "ends.xls"))
    with pytest.raises(UnreadableFile, match="too large a sheet"):
        rows(tmp_path / "ends.xls")


@pytest.mark.parametrize(
    ("columns", "lines"), [("10000000", "1"), ("16384", "1048576"), ("0", "1"), ("1", "-3"), ("1", "99999999999")]
)
def test_cells_of_ods_that_repeat_without_end_are_refused(columns: str, lines: str, tmp_path: Path) -> None:
    path = written(tmp_path, {"Sheet1": [["x"]]}, "ods")
    repeated = (
        f'<table:table-row table:number-rows-repeated="{lines}">'
        f'<table:table-cell table:number-columns-repeated="{columns}"'
    )
    rewritten(path, "content.xml", lambda text: text.replace("<table:table-row><table:table-cell", repeated))
    with pytest.raises(UnreadableFile, match="more cells than a sheet can hold"):
        read(path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = archive(tmp_path / "bomb.xlsx", {"xl/workbook.xml": b"\0" * (70 << 20)})
    with pytest.raises(UnreadableFile, match="more than 200 times its size"):
        read(path)


def test_an_archive_that_lies_about_its_sizes_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, {"Sheet1": [["x" * 1000]] * 50})
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as book:
        true = book.getinfo(SHEET).file_size
    at = data.rfind(SHEET.encode()) - 46  # its entry in the list of parts
    assert struct.unpack_from("<I", data, at + 24) == (true,)
    struct.pack_into("<I", data, at + 24, true // 2)
    path.write_bytes(data)
    with pytest.raises(UnreadableFile, match="cannot be read"):
        read(path)


def test_an_archive_of_more_parts_than_any_workbook_has_is_refused(tmp_path: Path) -> None:
    parts: dict[str, bytes | str] = {"xl/workbook.xml": "<workbook/>"} | {f"part{n}": b"" for n in range(10_001)}
    with pytest.raises(UnreadableFile, match="too large a workbook"):
        read(archive(tmp_path / "parts.xlsx", parts))


def test_names_in_an_archive_lead_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    path = written(folder, {"Sheet1": LONG})
    with zipfile.ZipFile(path, "a") as book:
        book.writestr("../../evil.txt", "x")
        book.writestr("/etc/evil.txt", "x")
    assert read(path).column("value") == [1.5, 2.25]
    rewritten(
        path, "xl/_rels/workbook.xml.rels", lambda text: text.replace("worksheets/sheet1.xml", "../../../../etc/passwd")
    )
    with pytest.raises(UnreadableFile, match=r"is incomplete: .+ is missing"):
        read(path)
    assert sorted(entry.name for entry in tmp_path.rglob("*") if entry.is_file()) == ["book.xlsx"]


def protected_ods(folder: Path) -> Path:
    path = written(folder, {"Sheet1": LONG}, "ods")
    return rewritten(path, "META-INF/manifest.xml", lambda text: text.replace("</", "<manifest:encryption-data/></", 1))


def protected_xls(folder: Path) -> Path:
    path = written(folder, {"Sheet1": LONG}, "xls")
    data = path.read_bytes()
    codepage = b"\x42\x00\x02\x00"
    assert codepage in data
    path.write_bytes(data.replace(codepage, b"\x2f\x00\x02\x00", 1))  # FILEPASS
    return path


def protected_xlsx(folder: Path) -> Path:
    """A protected .xlsx lies in a compound file, as a stream of this name."""
    path = written(folder, {"Sheet1": LONG}, "xls")
    data = bytearray(path.read_bytes())
    name, other = "Workbook".encode("utf-16-le"), "EncryptedPackage".encode("utf-16-le")
    at = data.find(name)
    data[at : at + len(other)] = other
    struct.pack_into("<H", data, at + 64, len(other) + 2)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("make", [protected_xlsx, protected_xls, protected_ods])
def test_a_protected_workbook_is_refused_as_such(make: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="protected by a password"):
        read(make(tmp_path))


def test_a_binary_workbook_and_other_archives_are_named(tmp_path: Path) -> None:
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    links = f'<Relationships><Relationship Id="1" Type="{office}" Target="xl/workbook.bin"/></Relationships>'
    with pytest.raises(UnreadableFile, match="binary workbook"):
        read(archive(tmp_path / "book.xlsb", {"_rels/.rels": links, "xl/workbook.bin": b"x"}))
    with pytest.raises(UnreadableFile, match="ZIP archive"):
        read(archive(tmp_path / "files.zip", {"readings.csv": "MPAN,Date,kWh\n"}))


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04rest", b"PK\x03\x04" + bytes(1000), OLE, OLE + bytes(2000), OLE + b"\1" * 5000, OLE + b"\xff" * 5000],
)
def test_what_only_looks_like_a_workbook_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile):
        read(path)
