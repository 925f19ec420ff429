"""Readers beside a writer see whole commits, never wait, and never fail."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import polars as pl

from eclectyc.lake.store import Lake
from tests.lake.rows import FIRST, LAST, Turn, frame

DAYS = [date(2025, 5, 20) + timedelta(days=n) for n in range(25)]
SERIES = range(1, 31)


def estate(value: float) -> list[pl.DataFrame]:
    return [
        frame((s, day, 60, [value] * 24, [1] * 24) for s in SERIES for day in DAYS if day.month == month)
        for month in (5, 6)
    ]


def test_five_readers_see_only_whole_commits_while_one_writes_and_tidies(lake: Lake) -> None:
    lake.write(estate(1.0), lease=Turn(), batch=1)
    done, faults, seen = threading.Event(), [], set()

    def read(own: Lake) -> None:
        try:
            while not done.is_set():
                rows = own.days(None, FIRST, LAST, values=True)
                values = set(rows["values"].explode())
                totals = set(own.monthly(FIRST, LAST)["total"])
                assert rows.height == len(SERIES) * len(DAYS), rows.height
                assert len(values) == 1, values
                assert len(totals) == 2, totals
                seen.update(values)
        except BaseException as fault:  # told in the main thread
            faults.append(fault)

    # Some share the lake of one process, some have their own, as other processes do.
    readers = [
        threading.Thread(target=read, args=(own,)) for own in (lake, lake, lake, Lake(lake.storage), Lake(lake.storage))
    ]
    for reader in readers:
        reader.start()
    for number in range(2, 22):
        lake.write(estate(float(number)), lease=Turn(), batch=number)
        if number % 5 == 0:  # takes the files of older versions away under the readers
            lake.maintain(lease=Turn(), keep=timedelta(0), may_shorten=True)
    done.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert len(seen) > 1
