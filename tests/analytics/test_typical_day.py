from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from eclectyc.analytics.periods import days_array
from eclectyc.analytics.slots import SlotSeries, expand_days
from eclectyc.analytics.typical_day import FEWEST_DAYS, is_like, usual_band
from tests.analytics.filling import LONDON, Day, rows_of


def laid(days: dict[date, Day]) -> SlotSeries:
    first, last = min(days), max(days)
    span = days_array(first, last + timedelta(days=1))
    return expand_days(rows_of(days), span, zone=LONDON, step=30, expected=np.full(len(span), 48))


def history(count: int) -> dict[date, Day]:
    return {date(2025, 6, 1) + timedelta(days=n): [float(n)] * 48 for n in range(count)}


def test_weekdays_are_alike_and_weekends_are_alike() -> None:
    friday, saturday, sunday, monday = (date(2025, 6, 6) + timedelta(days=n) for n in range(4))
    assert is_like(friday, monday)
    assert is_like(saturday, sunday)
    assert not is_like(friday, saturday)


def test_the_band_holds_the_percentiles_of_each_slot() -> None:
    target = laid({date(2025, 7, 1): [0.0] * 48})
    band = usual_band(laid(history(11)), target, days=11, zone=LONDON, step=30)
    assert (band.low.tolist(), band.middle.tolist(), band.high.tolist()) == ([1.0] * 48, [5.0] * 48, [9.0] * 48)


def test_of_too_few_days_nothing_is_usual() -> None:
    target = laid({date(2025, 7, 1): [0.0] * 48})
    few = FEWEST_DAYS - 1
    band = usual_band(laid(history(few)), target, days=few, zone=LONDON, step=30)
    assert np.isnan(band.low).all()
    assert np.isnan(band.high).all()


def test_a_clock_change_day_meets_the_ordinary_slots_by_the_clock() -> None:
    ordinary = {day: [float(k) for k in range(48)] for day in history(6)}
    for day, clock in (
        (date(2025, 3, 30), [0, 1, *range(4, 48)]),
        (date(2025, 10, 26), [0, 1, 2, 3, 2, 3, *range(4, 48)]),
    ):
        band = usual_band(laid(ordinary), laid({day: [0.0] * len(clock)}), days=6, zone=LONDON, step=30)
        assert band.middle.tolist() == [float(k) for k in clock]
