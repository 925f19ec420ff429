"""Lines as files really have them: quotes, blanks, titles, totals, ragged ends – and their numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.readers.reading import read_text

HEAD = "mpan,datetime,kwh"


def line(n: int, value: object = None) -> str:
    return f"A,2024-01-01 {n // 2:02}:{n % 2 * 30:02},{n if value is None else value}"


def test_line_numbers_are_the_files_own_whatever_came_before(tmp_path: Path) -> None:
    text = "\n".join(
        [
            "Half-hourly report", "", '"Site: ""Works"", North', 'second line of the title"', "", HEAD, line(1), "",
            '"A","2024-01-01 01:00","2"', '"A', 'B","2024-01-01 01:30",3', line(4, "x"), "   ", ",,", line(5),
        ]
    )  # fmt: skip
    read = read_text(tmp_path, text)
    assert read.column("line") == [7, 9, 10, 15]
    assert read.column("value") == [1.0, 2.0, 3.0, 5.0]
    assert read.column("meter") == ["A", "A", "AB", "A"]
    assert read.lines == [12]


@pytest.mark.parametrize("block_bytes", [60, 200, 1 << 20])
def test_line_numbers_hold_across_blocks(tmp_path: Path, block_bytes: int) -> None:
    lines = [HEAD]
    for n in range(48):
        lines.append(line(n, "bad" if n % 7 == 0 else n))
        if n % 5 == 0:
            lines.append("")
    read = read_text(tmp_path, "\n".join(lines), block_bytes=block_bytes)
    assert read.lines == [n + 1 for n, text in enumerate(lines) if text.endswith("bad")]
    assert read.column("line") == [n + 1 for n, text in enumerate(lines) if n and text and not text.endswith("bad")]


@pytest.mark.parametrize(
    ("cells", "meter"),
    [
        ('"North, Works",2024-01-01 00:00,1', "North,Works"),
        ('"North ""big"" Works",2024-01-01 00:00,1', 'North"big"Works'),
        ('"North\nWorks",2024-01-01 00:00,1', "NorthWorks"),
        ('"A", "2024-01-01 00:00", "1"', "A"),
        ('12" pipe,2024-01-01 00:00,1', '12"pipe'),
        ('"","2024-01-01 00:00",1', None),
        ('"""A""",2024-01-01 00:00,1', '"A"'),
        ('"A","2024-01-01 00:00","1"', "A"),
    ],
)
@pytest.mark.parametrize("after", ["", '12" more,2024-01-01 01:00,5\n'])
def test_quoted_cells_are_taken_whole(tmp_path: Path, cells: str, meter: str | None, after: str) -> None:
    read = read_text(tmp_path, f"{HEAD}\nZ,2024-01-01 00:30,9\n{cells}\n{after}Y,2024-01-01 02:00,7\n")
    meters = ["Z", *([meter] if meter else []), *(['12"more'] if after else []), "Y"]
    assert read.column("meter") == meters
    assert read.column("value")[0] == 9.0
    assert read.lines == ([] if meter else [3])


def test_a_quote_that_is_never_closed_rejects_its_line_alone(tmp_path: Path) -> None:
    lines = [HEAD, *(line(n) for n in range(40))]
    lines[5] = '"A,2024-01-01 02:00,4'
    read = read_text(tmp_path, "\n".join(lines))
    assert read.lines == [6]
    assert "quotation mark" in read.errors[0].reason
    assert read.rows == 39


@pytest.mark.parametrize("block_bytes", [100, 1000, 1 << 20])
def test_a_stray_quote_costs_one_line_of_a_file_quoted_throughout(tmp_path: Path, block_bytes: int) -> None:
    lines = [",".join(f'"{cell}"' for cell in text.split(",")) for text in (HEAD, *(line(n) for n in range(48)))]
    lines[9] = lines[9].replace('"A"', '"A')
    read = read_text(tmp_path, "\n".join(lines), block_bytes=block_bytes)
    assert read.lines == [10]
    assert read.rows == 47


def test_titles_above_and_totals_below_are_no_data(tmp_path: Path) -> None:
    text = f"Report for: Works\nPrinted, 01/02/2024\n\n{HEAD}\n{line(1)}\n{line(2)}\nTotal,,3\nGrand total: 3\n"
    read = read_text(tmp_path, text)
    assert (read.rows, read.errors) == (2, [])
    assert read.recognition.warnings == ["Skipped: 2 lines of totals (the first is line 7)."]


def test_a_meter_called_total_is_a_meter(tmp_path: Path) -> None:
    read = read_text(tmp_path, f"{HEAD}\nTotal site,2024-01-01 00:00,3\nTotal site,2024-01-01 00:30,bad\n")
    assert (read.rows, read.lines) == (1, [3])


def test_a_header_repeated_by_joining_files_is_passed_over_and_said(tmp_path: Path) -> None:
    read = read_text(tmp_path, f"{HEAD}\n{line(1)}\n{HEAD}\n{line(2)}\n")
    assert (read.rows, read.errors) == (2, [])
    assert "repeat the header" in read.recognition.warnings[0]


@pytest.mark.parametrize(
    ("header", "lines", "rows", "rejected"),
    [
        (HEAD + ",,", [line(1), line(2) + ",,", line(3) + ","], 3, []),
        (HEAD, [line(1) + ",", line(2) + ",", line(3) + ","], 3, []),
        (HEAD, [line(1) + ",,,", line(2), line(3) + ","], 3, []),
        (HEAD, [line(1), line(2) + ",x", line(3)], 2, [3]),
        (HEAD, [line(1) + ",", line(2) + ",x", line(3) + ","], 2, [3]),
        (HEAD, [line(1), line(2) + "," * 500, line(3)], 2, [3]),
        (HEAD, [line(1), "A,2024-01-01 01:00", line(3)], 2, [3]),
        (HEAD, [line(1), line(2), "A,2024-01"], 2, [4]),
        (HEAD + ",", [line(1) + ",note", line(2) + ","], 2, []),
    ],
)
def test_ragged_lines_are_taken_only_if_nothing_is_lost_or_added(
    tmp_path: Path, header: str, lines: list[str], rows: int, rejected: list[int]
) -> None:
    read = read_text(tmp_path, "\n".join([header, *lines]))
    assert (read.rows, read.lines) == (rows, rejected)


@pytest.mark.parametrize("where", [0, 1, 500, 998, 999])
@pytest.mark.parametrize("bad", ["A,2024-01-01 00:30", "A,2024-01-01 00:30,1,2", "A", ",,,,", "A,2024-01-01 00:30,inf"])
def test_one_bad_line_anywhere_among_good_ones_is_never_misread(tmp_path: Path, where: int, bad: str) -> None:
    lines = [f"A,2024-01-{1 + n // 48:02} {n % 48 // 2:02}:{n % 2 * 30:02},{n}" for n in range(1000)]
    lines[where] = bad
    read = read_text(tmp_path, "\n".join([HEAD, *lines]))
    assert read.column("value") == [float(n) for n in range(1000) if n != where]
    assert read.column("line") == [n + 2 for n in range(1000) if n != where]
    assert read.lines == ([] if bad == ",,,," else [where + 2])
