"""Days that wait on disk are those that would have waited in memory, in the same order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eclectyc.intake.alignment import spool as spooling
from eclectyc.intake.alignment.reading_arrays import DayRows
from eclectyc.intake.alignment.spool import Spool

FIRST = 20_000  # 4 October 2024 [days since 1970]


def block(number: int, step: int) -> DayRows:
    """Two channels' days over three months, the channels taking turns: every value tells its line."""
    rows = 120
    line = np.arange(rows, dtype=np.int64) + 1000 * number
    channel = (np.arange(rows) % 2 + 2 * number).astype(np.int32)
    day = (FIRST + np.arange(rows) // 2).astype(np.int32)
    values = line[:, None] + np.arange(1440 // step) / 100
    values[3] = np.nan
    return DayRows(
        channel, line, day, values, np.where(np.isnan(values), 0, 1).astype(np.int8), step, by_clock=step == 30
    )


def held(spool: Spool) -> dict[int, list[tuple[int, int, int, list[float], list[int]]]]:
    """Return what each month holds, by step, in the order in which it comes."""
    found: dict[int, list] = {}
    for first, end in spool.months():
        for pick in spool.days(first, end):
            days = pick.to_day_rows()
            columns = (days.channel, days.line, days.day, np.nan_to_num(days.values, nan=-1.0), days.quality)
            assert days.by_clock == (days.step == 30)
            found.setdefault(days.step, []).extend(zip(*(column.tolist() for column in columns), strict=True))
    return found


@pytest.mark.parametrize("limit", [1, 150_000])  # each block alone, or several together and the last in memory
def test_days_on_disk_are_those_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    blocks = [block(number, 60 if number == 2 else 30) for number in range(5)]
    with Spool(tmp_path) as plain:
        for one in blocks:
            plain.add_days(one)
        expected = held(plain)
    monkeypatch.setattr(spooling, "IN_MEMORY_BYTES", limit)
    with Spool(tmp_path) as spooled:
        for one in blocks:
            spooled.add_days(one)
        assert list(tmp_path.rglob("*.arrow"))
        assert held(spooled) == expected
        assert spooled.lines_of([4, 5]).tolist() == list(range(2000, 2120))
    assert list(tmp_path.iterdir()) == []
    assert {len(rows) for rows in expected.values()} == {480, 120}
