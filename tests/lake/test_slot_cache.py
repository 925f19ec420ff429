"""Slots of one series, looked up: the same as the day rows, whatever files they are in and however little is kept."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from eclectyc.kernel.quality import MISSING
from eclectyc.lake import slot_cache
from eclectyc.lake.slot_cache import SlotCache
from eclectyc.lake.store import Lake
from tests.lake.rows import Turn, frame

DAYS = [date(2025, 1, 29) + timedelta(days=n) for n in range(6)]
EPOCH = date(1970, 1, 1)


def filled(lake: Lake) -> None:
    """Two batches: every other slot of some series, then another day of one of them."""

    def day_of(series: int, n: int) -> tuple[int, date, int, list[float | None], list[int]]:
        is_told = [(k + n) % 2 == 1 for k in range(24)]
        values = [float(k + series) if told else None for k, told in enumerate(is_told)]
        return series, DAYS[n], 60, values, [int(told) for told in is_told]

    for month in (1, 2):
        days = [n for n, day in enumerate(DAYS) if day.month == month]
        rows = frame(day_of(series, n) for series in (3, 4, 70_000) for n in days)
        lake.write([rows], lease=Turn(fence=month), batch=month)
    lake.write([frame([(4, DAYS[0], 60, [9.0] * 24, [2] * 24)])], lease=Turn(fence=3), batch=3)


def slots_by_rows(lake: Lake, series: int) -> dict[tuple[date, int], tuple[float, int]]:
    """What the day rows say, slot by slot."""
    rows = lake.days([series], DAYS[0], DAYS[-1] + timedelta(days=1), values=True)
    return {
        (day, k): (value, flag)
        for day, values, quality in rows.select("day", "values", "quality").iter_rows()
        for k, (value, flag) in enumerate(zip(values, quality, strict=True))
        if value is not None
    }


def slots_by_cache(lake: Lake, series: int) -> dict[tuple[date, int], tuple[float, int]]:
    held = lake.slots_of(series, DAYS[0], DAYS[-1] + timedelta(days=1))
    wanted = [(day, k) for day in DAYS for k in range(24)]
    day = np.array([(day - EPOCH).days for day, _ in wanted], np.int32)
    value, quality = held.at(day, np.array([k for _, k in wanted], np.int16))
    return {place: (v, q) for place, v, q in zip(wanted, value.tolist(), quality.tolist(), strict=True) if q != MISSING}


@pytest.mark.parametrize("kept_bytes", [0, 1 << 30])
@pytest.mark.parametrize("largest", [0, 1 << 30])
def test_cached_slots_equal_the_day_rows(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, kept_bytes: int, largest: int
) -> None:
    monkeypatch.setattr(slot_cache, "LARGEST_FILE", largest)
    lake._slot_cache = SlotCache(lake.storage, kept_bytes)
    filled(lake)
    for _ in range(2):
        for series in (3, 4, 70_000):
            found = slots_by_cache(lake, series)
            assert found
            assert found == slots_by_rows(lake, series)
        assert slots_by_cache(lake, 5) == {}


def test_the_cache_sees_every_commit_and_returns_its_batch(lake: Lake) -> None:
    start, end = DAYS[0], DAYS[-1]
    assert lake.slots_of(3, start, end).last_batch == 0
    filled(lake)
    assert lake.slots_of(3, start, end).last_batch == 3
    lake.undo(2, lease=Turn(fence=4), by=4)
    assert lake.slots_of(3, start, end).last_batch == 4
    assert slots_by_cache(lake, 3) == slots_by_rows(lake, 3)
    lake.maintain(lease=Turn(fence=5), keep=timedelta(0), keep_temporary=timedelta(0), may_shorten=True)
    assert slots_by_cache(lake, 4) == slots_by_rows(lake, 4)


def test_files_that_left_the_lake_are_not_kept(lake: Lake) -> None:
    filled(lake)
    for series in (3, 4):
        slots_by_cache(lake, series)
    lake.write([frame([(4, DAYS[0], 60, [8.0] * 24, [1] * 24)])], lease=Turn(fence=9), batch=9)
    slots_by_cache(lake, 4)
    assert set(lake._slot_cache._kept) <= set(lake._watch.now().files["path"])
    assert lake._slot_cache._size == sum(kept.size for kept in lake._slot_cache._kept.values())


def test_a_slot_beyond_its_day_is_missing(lake: Lake) -> None:
    filled(lake)
    held = lake.slots_of(3, DAYS[0], DAYS[1])
    day = np.array([(DAYS[0] - EPOCH).days] * 2, np.int32)
    value, quality = held.at(day, np.array([24, 1439], np.int16))
    assert np.isnan(value).all()
    assert quality.tolist() == [MISSING, MISSING]
