"""Several imports and readers at once: no lost slot, no half a batch, no error to anybody."""

from __future__ import annotations

import json
import threading
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from eclectyc.lake.files import Storage
from eclectyc.lake.store import Lake
from tests.serving import Installation

FIRST, DAYS = date(2025, 1, 30), 4
EVERY = "Meter,Date," + ",".join(f"HH{k + 1}" for k in range(48))
FAR = date(2100, 1, 1)


def wide(meters: range, value: int) -> str:
    lines = [
        f"M{meter},{FIRST + timedelta(days=n):%d/%m/%Y},{','.join([str(value)] * 48)}"
        for meter in meters
        for n in range(DAYS)
    ]
    return "\n".join([EVERY, *lines]) + "\n"


def test_two_imports_of_overlapping_files_and_five_readers_at_once(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "seed.csv").write_text(wide(range(12), 1))
    assert installation.run("import", tmp_path / "seed.csv", "--create-meters", "--site", "S").returncode == 0
    lake_url = str(installation.home / "lake")
    stop, faults, looks = threading.Event(), [], []

    def read() -> None:
        lake = Lake(Storage.from_url(lake_url))  # one of its own, as another process has
        try:
            while not stop.is_set():
                days = lake.days(None, FIRST, FAR)
                for values in days.group_by("series").agg("total")["total"].to_list():
                    assert len(set(values)) == 1, "a series in part of one batch and in part of another"
                assert days["present"].to_list() == [48] * len(days)
                assert len(days) >= 12 * DAYS, "lost days"
                looks.append(len(days))
        except BaseException as fault:  # shown by the test
            faults.append(fault)

    readers = [threading.Thread(target=read) for _ in range(5)]
    for reader in readers:
        reader.start()
    try:
        files = {"a": (range(8), 2), "b": (range(4, 12), 3)}
        for name, (meters, value) in files.items():
            (tmp_path / f"{name}.csv").write_text(wide(meters, value))
        for _ in range(2):
            both = [installation.start("import", tmp_path / f"{name}.csv", "--json") for name in files]
            said = [process.communicate(timeout=120) for process in both]
            assert [process.returncode for process in both] == [0, 0], said
            reports = [json.loads(out) for out, _ in said]
            assert all(r["readings"] == r["added"] + r["changed"] + r["unchanged"] == 8 * DAYS * 48 for r in reports)
            last = max(zip((r["batch"] for r in reports), files, strict=True))[1]
            check_final(Lake(Storage.from_url(lake_url)), last)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not faults, faults[0]
    assert len(looks) > 5


def check_final(lake: Lake, last: str) -> None:
    """Every meter has the values of the last batch that spoke of it."""
    days = lake.days(None, FIRST, FAR)
    by_series = dict(days.group_by("series").agg(pl.col("total").first()).iter_rows())
    values = [by_series[series] / 48 for series in sorted(by_series)]
    both = 2 if last == "a" else 3
    assert values == [2] * 4 + [both] * 4 + [3] * 4
