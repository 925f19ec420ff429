"""The lake alone, from frames in memory: ``python -m tests.bench.lake``. Needs no registry but a scratch one."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from tests.bench.figures import Figure, median, table, timed

LONDON = ZoneInfo("Europe/London")
SERIES = 1000
FIRST_YEAR = 2021


def prepare() -> Path:
    """Point the settings at a scratch home with a fresh registry."""
    home = Path(tempfile.mkdtemp(prefix="eclectyc-bench-lake-"))
    os.environ["ECLECTYC_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "eclectyc.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    return home


def frame_of(days: list[date], seed: int, *, series: int = SERIES) -> pl.DataFrame:
    """Return day rows of all series on some days of one month: the estate's load of the other benchmarks."""
    from eclectyc.kernel.days import slot_counts
    from eclectyc.lake.slot_arrays import ragged
    from tests.bench.estate import Estate

    values = Estate.load(series, len(days), seed, slots=50)
    lengths = np.tile(slot_counts(np.array(days), LONDON, 30), series).astype(np.int64)
    flat = values[np.arange(50)[None, :] < lengths[:, None]]
    return pl.DataFrame(
        {
            "series": pl.Series(np.repeat(np.arange(1, series + 1, dtype=np.int32), len(days))),
            "day": pl.Series(days * series, dtype=pl.Date),
            "step": pl.Series(np.full(len(lengths), 30, dtype=np.int16)),
            "values": ragged(pl.Series(flat), lengths),
            "quality": ragged(pl.Series(np.full(len(flat), 5, dtype=np.int8)), lengths),
        }
    )


def months_of(year: int) -> list[pl.DataFrame]:
    """Return a year's twelve frames."""
    frames = []
    for month in range(1, 13):
        first = date(year, month, 1)
        after = date(year + month // 12, month % 12 + 1, 1)
        frames.append(frame_of([first + timedelta(days=n) for n in range((after - first).days)], year * 100 + month))
    return frames


class Numbers:
    """Batch numbers in order."""

    def __init__(self) -> None:
        self.last = 0

    def __call__(self) -> int:
        self.last += 1
        return self.last


def of_writes(number: Numbers) -> Iterator[Figure]:
    """A year in, the same again, a corrected day over one year and over five, an undo."""
    from eclectyc.lake.lease import writer_lease
    from eclectyc.lake.store import connect

    lake = connect()
    year = months_of(FIRST_YEAR + 4)
    readings = sum(int(frame["values"].list.len().sum()) for frame in year)
    cpu: list[float] = []

    def wrote(frames: list[pl.DataFrame]) -> float:
        start, started_cpu = time.perf_counter(), time.process_time()
        with writer_lease("bench") as lease:
            lake.write(frames, lease=lease, batch=number())
        cpu.append(time.process_time() - started_cpu)
        return time.perf_counter() - start

    def spent(runs: int = 1) -> str:
        """The processor time, which a busy machine changes less."""
        return f"{median(cpu[-runs:]):.2f} s of processor time"

    first = wrote(year)
    yield Figure("write a year of 1,000 series", first, "s", limit=0.7, note=f"{readings:,} readings, {spent()}")
    size = sum(path.stat().st_size for path in Path(lake.storage.url).rglob("*") if path.is_file())
    yield Figure("size", size / readings, "bytes/reading", limit=2.6)
    again = wrote(year)
    yield Figure("write it again", again, "s", limit=0.7, note=spent())
    grown = sum(path.stat().st_size for path in Path(lake.storage.url).rglob("*") if path.is_file())
    yield Figure("added to the size by that", (grown - size) / readings, "bytes/reading")
    july = [date(FIRST_YEAR + 4, 7, n + 1) for n in range(10)]
    one = median([wrote([frame_of([day], seed)]) for seed, day in enumerate(july[:5])])
    yield Figure("a corrected day of all series, one year held", one, "s", limit=0.25, note=spent(5))
    for back in range(1, 5):
        wrote(months_of(FIRST_YEAR + 4 - back))
    five = median([wrote([frame_of([day], 100 + seed)]) for seed, day in enumerate(july[5:])])
    yield Figure("the same, five years held", five, "s", limit=0.25, note=spent(5))
    yield Figure("ratio", five / one, "×", limit=1.3)
    undone = number.last
    start = time.perf_counter()
    with writer_lease("bench") as lease:
        lake.undo(undone, lease=lease, by=number())
    yield Figure("undo a corrected day", time.perf_counter() - start, "s")
    start = time.perf_counter()
    with writer_lease("bench") as lease:
        lake.maintain(lease=lease)
    yield Figure("maintain", time.perf_counter() - start, "s")


def of_reads() -> Iterator[Figure]:
    """Warm questions, of a lake with five years."""
    from eclectyc.lake.store import connect

    lake = connect()
    start, end = date(FIRST_YEAR + 4, 1, 1), date(FIRST_YEAR + 5, 1, 1)
    week = date(FIRST_YEAR + 4, 7, 1)
    questions: list[tuple[str, Callable[[], object], float | None]] = [
        ("monthly totals of the estate, a year", lambda: lake.monthly(start, end), 0.030),
        ("one series' year by day", lambda: lake.days([500], start, end), 0.030),
        ("one series' week in slots", lambda: lake.days([500], week, week + timedelta(7), values=True), 0.040),
        ("one series' year in slots", lambda: lake.days([500], start, end, values=True), None),
        ("twenty series' year by day", lambda: lake.days(range(100, 120), start, end), None),
        ("the estate's month by day", lambda: lake.days(None, week, week + timedelta(31)), None),
        ("the estate's year by day", lambda: lake.days(None, start, end), None),
        ("monthly totals of the estate, five years", lambda: lake.monthly(date(FIRST_YEAR, 1, 1), end), None),
        ("first and last day of each series", lake.span, None),
    ]
    for name, question, limit in questions:
        yield Figure(name, median(timed(question)), "s", limit=limit)


def main() -> int:
    """Measure and print."""
    home = prepare()
    try:
        print(table([*of_writes(Numbers()), *of_reads()]))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
