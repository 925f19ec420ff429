from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from eclectyc.analytics.expected_slots import expected_slots
from eclectyc.analytics.heat_map import heat_map
from eclectyc.analytics.periods import days_array
from eclectyc.analytics.slots import SlotSeries, expand_days
from tests.analytics.filling import LONDON, flat_days, points_of, rows_of

YEAR = days_array(date(2025, 1, 1), date(2026, 1, 1))


def laid(rows: pl.DataFrame, *, step: int = 30, days: np.ndarray = YEAR) -> SlotSeries:
    points = points_of(days[0].item(), date(2027, 1, 1), step=step)
    expected = expected_slots(points, days, rows)[0]
    return expand_days(rows, days, zone=LONDON, step=step, expected=expected)


def test_a_year_is_a_row_a_day_with_the_slots_the_clocks_give_it() -> None:
    heat = heat_map(YEAR, [laid(rows_of(flat_days(date(2025, 1, 1), date(2026, 1, 1), 1.0)))])
    assert heat.value.shape == (365, 50)
    slots = (~np.isnan(heat.value)).sum(axis=1)
    assert {day.item(): int(n) for day, n in zip(YEAR, slots, strict=True) if n != 48} == {
        date(2025, 3, 30): 46,
        date(2025, 10, 26): 50,
    }


def test_a_gap_stays_a_gap() -> None:
    days = flat_days(date(2025, 1, 1), date(2025, 1, 3), 1.0)
    days[date(2025, 1, 2)] = [1.0] * 20 + [None] * 28
    heat = heat_map(YEAR, [laid(rows_of(days))])
    assert heat.rows()[1][18:22] == [1.0, 1.0, None, None]
    assert heat.rows()[2] == [None] * 50


def test_finer_slots_are_summed_and_a_part_of_an_hour_is_not_the_hour() -> None:
    first, second = date(2025, 6, 1), date(2025, 6, 2)
    mixed = pl.concat([rows_of({first: [1.0] * 24}, step=60), rows_of({second: [1.0, 1.0, 1.0, None] + [1.0] * 44})])
    days = days_array(first, date(2025, 6, 3))
    heat = heat_map(days, [laid(mixed, days=days)])
    assert heat.step == 60
    assert heat.rows()[0][:3] == [1.0, 1.0, 1.0]
    assert heat.rows()[1][:3] == [2.0, None, 2.0]


def test_the_sum_of_meters_has_no_value_where_one_of_them_has_none() -> None:
    first = date(2025, 6, 1)
    days = days_array(first, first + timedelta(days=1))
    whole, partial = rows_of({first: [2.0] * 48}), rows_of({first: [None] * 24 + [1.0] * 24})
    heat = heat_map(days, [laid(whole, days=days), laid(partial, days=days)])
    assert heat.rows()[0][:48] == [None] * 24 + [3.0] * 24
    assert heat.coverage[0, :48].tolist() == [0.5] * 24 + [1.0] * 24
