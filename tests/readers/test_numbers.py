"""What is a number, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from eclectyc.readers.tables.numbers import parse_number
from tests.readers.reading import read_text

HEAD = "mpan;datetime;kwh\n"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5", 1.5), (" 1.5 ", 1.5), ("+1.5", 1.5), ("-1.5", -1.5), (".5", 0.5), ("5.", 5.0), ("0", 0.0),
        ("1.20E-02", 0.012), ("1e3", 1000.0), ("1,234.5", 1234.5), ("1,234,567", 1234567.0), ("-1,234.5", -1234.5),
        ("1,234", None), ("12,5", None), ("1,23.5", None), ("1.234,5", None), ("nan", None), ("NaN", None),
        ("inf", None), ("-inf", None), ("Infinity", None), ("1e308", None), ("1e13", None), ("0x1F", None),
        ("1_000", None), ("1 000", None), ("£1.5", None), ("1.5 kWh", None), ("", None), ("٣", None), ("1d5", None),
        ("--1", None), ("(1.5)", None), ("TRUE", None), ("1e", None),
    ],
)  # fmt: skip
def test_a_number_has_a_decimal_point_and_nothing_unclear(text: str, number: float | None) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1.5", 1.5), (" 1.5", 1.5), ("1.5 ", 1.5), ("\t1.5", 1.5), ('"1.5"', 1.5), ('" 1.5 "', 1.5), ("", None),
        ("-", None), ("–", None), ('""', None), ("   ", None), ("-3", -3.0), ("1,234.5", 1234.5), ("1e2", 100.0),
    ],
)  # fmt: skip
def test_a_cell_is_read_as_printed_alone_and_among_others(tmp_path: Path, cell: str, value: float | None) -> None:
    lines = [f"A;2024-01-01 {n // 2:02}:{n % 2 * 30:02};{cell if n == 3 else n / 8}" for n in range(10)]
    read = read_text(tmp_path, HEAD + "\n".join(lines) + "\n")
    assert read.errors == []
    assert read.column("value") == [value if n == 3 else n / 8 for n in range(10)]
    assert read.column("quality")[3] == (0 if value is None else 5)


@pytest.mark.parametrize("cell", ["nan", "NaN", "inf", "-inf", "Infinity", "1e308", "1e999", "0x10", "1_0", "abc",
                                  "1.5abc", "#N/A", "#REF!", "null", "1 2", "٣", "1.5f", "12,5", "TRUE"])  # fmt: skip
def test_what_is_no_number_rejects_its_line_and_no_other(tmp_path: Path, cell: str) -> None:
    read = read_text(tmp_path, f"{HEAD}A;2024-01-01 00:00;1\nA;2024-01-01 00:30;{cell}\nA;2024-01-01 01:00;3\n")
    assert read.column("value") == [1.0, 3.0]
    [error] = read.errors
    assert (error.line, error.column) == (3, "kwh")
    assert cell.split(",", maxsplit=1)[0] in error.reason
    assert error.remedy


def test_a_lone_grouped_number_is_ambiguous_and_says_both_meanings(tmp_path: Path) -> None:
    read = read_text(tmp_path, f"{HEAD}A;2024-01-01 00:00;1,234\nA;2024-01-01 00:30;7\n")
    assert read.column("value") == [7.0]
    assert "1234 or 1.234" in read.errors[0].reason


def test_a_lone_grouped_number_is_clear_beside_one_that_can_only_be_grouped(tmp_path: Path) -> None:
    read = read_text(tmp_path, f"{HEAD}A;2024-01-01 00:00;1,234\nA;2024-01-01 00:30;2,345.6\n")
    assert read.column("value") == [1234.0, 2345.6]


def test_grouped_beside_decimal_commas_stays_ambiguous(tmp_path: Path) -> None:
    cells = ["1,234", "2,345.6", "1,5"]
    lines = [f"A;2024-01-01 0{n}:00;{cell}" for n, cell in enumerate(cells)]
    read = read_text(tmp_path, HEAD + "\n".join(lines))
    assert read.column("value") == [2345.6]
    assert read.lines == [2, 4]
