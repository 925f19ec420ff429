"""MPAN, MPRN and the dirt that spreadsheets leave on them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eclectyc.kernel.identifiers import (
    Identifier,
    clean_identifier,
    has_lost_digits,
    identify,
    is_valid_mpan,
    mpan_check_digit,
)

twelve_digits = st.text("0123456789", min_size=12, max_size=12)


@pytest.mark.parametrize("core", ["1200023305967", "1000000000040", "2248274887874"])
def test_a_published_mpan_has_the_right_check_digit(core: str) -> None:
    assert is_valid_mpan(core)
    assert identify(core) == Identifier(core, "mpan")


@pytest.mark.parametrize("core", ["1234567890123", "9876543210987"])
def test_a_wrong_check_digit_is_a_warning_not_a_refusal(core: str) -> None:
    assert not is_valid_mpan(core)
    found = identify(core)
    assert (found.text, found.kind) == (core, "mpan")
    assert "check digit" in found.warning


def test_the_remainder_ten_gives_the_check_digit_zero() -> None:
    # 1·3 + 4·43 = 175 = 15·11 + 10
    assert (1 * 3 + 4 * 43) % 11 == 10
    assert mpan_check_digit("100000000004") == 0


def test_the_worked_example_of_the_standard() -> None:
    products = [1 * 3, 2 * 5, 0, 0, 0, 2 * 19, 3 * 23, 3 * 29, 0, 5 * 37, 9 * 41, 6 * 43]
    assert sum(products) == 1019
    assert mpan_check_digit("120002330596") == 1019 % 11 == 7


@given(twelve_digits)
def test_exactly_one_last_digit_makes_a_valid_mpan(first: str) -> None:
    assert sum(is_valid_mpan(first + digit) for digit in "0123456789") == 1


@given(twelve_digits, st.integers(0, 11), st.integers(1, 9))
def test_one_mistyped_digit_is_noticed(first: str, place: int, by: int) -> None:
    # The sum goes modulo 11, then 10 and 0 share a digit: only that pair can hide a slip.
    digit = (int(first[place]) + by) % 10
    slipped = first[:place] + str(digit) + first[place + 1 :]
    sums = {
        sum(int(d) * w for d, w in zip(text, (3, 5, 7, 13, 17, 19, 23, 29, 31, 37, 41, 43), strict=True)) % 11
        for text in (first, slipped)
    }
    assume(sums != {0, 10})
    assert mpan_check_digit(first) != mpan_check_digit(slipped)


@pytest.mark.parametrize(
    ("printed", "clean"),
    [
        ("1200023305967", "1200023305967"),
        ("12 0002 3305 967", "1200023305967"),
        ("'1200023305967", "1200023305967"),
        ("1200023305967.0", "1200023305967"),
        ("'12 0002 3305 967.00 ", "1200023305967"),
        ("03 801 902 22 4827 4887 874", "2248274887874"),  # full MPAN: profile class, MTC, LLFC, core
        ("00 845 A1B 2248274887874", "2248274887874"),  # an LLFC may have letters
        ("\t1200023305967\xa0", "1200023305967"),
        ("E6S12345 61", "E6S1234561"),
        ("12.5", "12.5"),
        ("", ""),
    ],
)
def test_an_identifier_is_cleaned_of_what_spreadsheets_add(printed: str, clean: str) -> None:
    assert clean_identifier(printed) == clean


@given(st.text(max_size=30))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean_identifier(text)
    assume(not once.startswith("'"))  # '' in front: only the first is a spreadsheet's
    assume(len(once) != 21)
    assert clean_identifier(once) == once


@pytest.mark.parametrize("text", ["1.20E+12", "1.2e12", "1E+12", "1,20E+12", " 1.20002E+12 "])
def test_a_rounded_number_has_lost_its_digits(text: str) -> None:
    assert has_lost_digits(text)


@pytest.mark.parametrize("text", ["1200023305967", "12E34567", "E12", "1.2", "E6S1234561", ""])
def test_a_serial_number_with_an_e_has_lost_nothing(text: str) -> None:
    assert not has_lost_digits(text)


@pytest.mark.parametrize(
    ("printed", "utility", "kind"),
    [
        ("2248274887874", "electricity", "mpan"),
        ("2248274887874", "solar", "mpan"),
        ("2248274887874", "water", "other"),
        ("123456", "gas", "mprn"),
        ("1234567890", "gas", "mprn"),
        ("12345", "gas", "other"),
        ("12345678901", "gas", "other"),
        ("1234567890", "electricity", "other"),
        ("3019123456W14", "water", "other"),
        ("١٢٣٤٥٦٧٨٩٠١٢٣", "electricity", "other"),
    ],
)
def test_an_identifier_is_known_by_its_utility_and_length(printed: str, utility: str, kind: str) -> None:
    assert identify(printed, utility=utility).kind == kind
