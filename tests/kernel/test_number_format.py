from __future__ import annotations

import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.kernel import number_format
from eclectyc.kernel.number_format import exact, figure, percent, significant


def test_the_examples_of_the_module_hold() -> None:
    assert doctest.testmod(number_format).failed == 0


@pytest.mark.parametrize(
    ("value", "unit", "printed"),
    [
        (0, "kWh", "0 kWh"),
        (0.25, "kWh", "0.25 kWh"),
        (9_999.4, "kWh", "9,999 kWh"),
        (9_999.6, "kWh", "10.00 MWh"),
        (412_345, "kWh", "412.3 MWh"),
        (-412_345, "kWh", "\u2212412.3 MWh"),
        (1_734_567_890, "kWh", "1,735 GWh"),
        (123_456.7, "m3", "123,500 m³"),
        (312.0, "litre", "312 litres"),
        (None, "kWh", "–"),
        (math.nan, "kWh", "–"),
    ],
)
def test_a_figure_is_scaled_before_it_needs_a_fifth_digit(value: float | None, unit: str, printed: str) -> None:
    assert str(figure(value, unit)) == printed


@given(st.floats(0.001, 1e12))
def test_a_figure_is_never_further_off_than_its_fourth_digit(value: float) -> None:
    shown = float(significant(value).replace(",", ""))
    assert shown == pytest.approx(value, rel=5.01e-4)


@given(st.integers(-(10**12), 10**12), st.integers(0, 6))
def test_a_table_rounds_nothing_away(units: int, decimals: int) -> None:
    value = units / 10**decimals
    shown = exact(value).replace(",", "").replace("\u2212", "-")
    assert float(shown) == pytest.approx(value, abs=5e-7)
    assert not shown.endswith(".")


def test_a_missing_number_is_a_dash_and_zero_is_zero() -> None:
    assert (exact(None), exact(0.0), exact(-0.0)) == ("–", "0", "0")


@pytest.mark.parametrize(("part", "whole"), [(17_519, 17_520), (9_999_999, 10_000_000), (1, 17_520)])
def test_a_share_that_is_not_whole_is_never_printed_as_whole_or_as_nothing(part: int, whole: int) -> None:
    assert percent(part / whole) not in ("100%", "0%")
