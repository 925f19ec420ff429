from __future__ import annotations

import doctest
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.kernel import typed_numbers
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.number_format import exact
from eclectyc.kernel.typed_numbers import plain_number


def test_the_examples_of_the_module_hold() -> None:
    assert doctest.testmod(typed_numbers).failed == 0


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("2,150", "2150"),
        ("1 024.50", "1024.50"),
        ("1,024.50", "1024.50"),
        ("1\u00a0234\u00a0567", "1234567"),
        ("1\u202f234.5", "1234.5"),
        (" 12 ", "12"),
        ("0.5", "0.5"),
        ("-4.1", "-4.1"),
        ("\u22124.1", "-4.1"),
        ("+1,000", "+1000"),
        ("007", "007"),
    ],
)
def test_a_number_is_read_as_people_write_it(typed: str, plain: str) -> None:
    assert plain_number(typed) == plain


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("2,5", "2.5"), ("1.024,50", "1024.50"), ("1 024,5", "1024.5"), ("0,123", "0.123"), ("2150,00", "2150.00")],
)
def test_a_decimal_comma_is_asked_about_and_never_guessed(typed: str, meant: str) -> None:
    with pytest.raises(Invalid) as refused:
        plain_number(typed, "The floor area", field="floor_area_m2")
    assert refused.value.reason == f"The floor area {typed!r} has a decimal comma."
    assert refused.value.remedy == f"Did you mean {meant}? Write a decimal point."
    assert refused.value.field == "floor_area_m2"


@pytest.mark.parametrize(
    "typed", ["", "wide", "1,23,456", "12,34.5", "1 23", "1,024 500", "1.2.3", "1e3", "nan", "5.", ".5", "12 000,000 5"]
)
def test_what_is_not_a_number_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(Invalid, match="is not a number") as refused:
        plain_number(typed)
    assert refused.value.remedy == "Write digits, such as 2,150 or 1024.5."


@given(st.integers(-(10**12), 10**12), st.integers(0, 4))
def test_a_number_that_a_page_shows_can_be_typed_again(units: int, decimals: int) -> None:
    value = Decimal(units).scaleb(-decimals)
    assert Decimal(plain_number(exact(float(value)))) == pytest.approx(value)
