"""Imports end to end, by the real command: a year, the same again, a corrected day, a long file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tests.bench.estate import Estate
from tests.bench.figures import Figure, median, timed
from tests.bench.machine import Run, must

LONG_METERS = 100


@dataclass(frozen=True, slots=True)
class Homes:
    """Two installations with the same meters: one year in the lake, and five."""

    one: Path
    five: Path


def process_start(home: Path, repeats: int) -> tuple[float, list[Figure]]:
    """How long a command takes that does next to nothing: what "beyond process start" is beyond of [s].

    It loads neither Polars nor the lake: loading them counts as part of an import.
    """
    bare = [must(home, "--version").seconds for _ in range(repeats)]
    ready = [must(home, "user", "list").seconds for _ in range(repeats)]
    start = median(ready)
    return start, [
        Figure("process start, bare", median(bare), "s", note="eclectyc --version", runs=bare),
        Figure(
            "process start", start, "s", note="eclectyc user list: Django, an up-to-date home, one query", runs=ready
        ),
    ]


def prepared(home: Path, estate: Estate) -> None:
    """Make an installation with the estate's sites and meters, and no readings."""
    must(home, "import", estate.sites_file(), "-t", "sites")
    must(home, "import", estate.meters_file(), "-t", "meters")


def year_of_wide(fresh: Callable[[], Path], estate: Estate, start: float, repeats: int) -> Iterator[Figure]:
    """A year for every meter into an empty lake, then the same file again."""
    path = estate.wide_file()
    floors = timed(lambda: pl.read_csv(path), repeats=5, warm_up=1)
    floor = median(floors)
    runs = [_into_empty(fresh(), path, estate.readings_a_year) for _ in range(repeats)]
    beyond = median([run.seconds for run in runs]) - start
    peak = max(run.peak_bytes for run in runs)
    readings, megabytes = estate.readings_a_year, path.stat().st_size / 1e6
    yield Figure(
        f"wide import, {readings:,} readings",
        beyond,
        "s",
        floor,
        "Polars reads the file",
        note=f"{megabytes:.0f} MB, beyond process start; {_cpu_s(runs):.1f} s of CPU in all",
        runs=[run.seconds for run in runs],
    )
    yield Figure("… speed against Polars alone", floor / beyond * 100, "%", limit=20, at_least=True)
    yield Figure("… speed", readings / beyond / 1e6, "M readings/s")
    yield Figure("… peak memory of the process tree", peak / 2**20, "MiB", limit=1536)


def _cpu_s(runs: list[Run]) -> float:
    return median([run.cpu_s for run in runs])


def _into_empty(home: Path, path: Path, readings: int) -> Run:
    done = must(home, "import", path, "--json")
    added = json.loads(done.stdout)["added"]
    assert added == readings, f"{added} readings were added of {readings}"
    return done


def same_again(home: Path, estate: Estate, first: float, start: float, repeats: int) -> Figure:
    """The same file once more: nothing added, and no slower than the first time."""
    runs = []
    for _ in range(repeats):
        again = must(home, "import", estate.wide_file(), "--json")
        report = json.loads(again.stdout)
        assert (report["added"], report["changed"]) == (0, 0), "the same file changed something"
        runs.append(again.seconds - start)
    return Figure("the same file again", median(runs), "s", first, "the first time", limit=first, runs=runs)


def many_years(fresh: Callable[[], Path], estate: Estate, years: int, start: float) -> Iterator[Figure]:
    """Years in one file into an empty lake, beside one year: as fast, and in as much memory."""
    one = _into_empty(fresh(), estate.wide_file(), estate.readings_a_year)
    readings = sum(estate.readings_in(back) for back in range(years))
    path = estate.years_file(years)
    many = _into_empty(fresh(), path, readings)
    speeds = [(one, estate.readings_a_year), (many, readings)]
    slow, fast = (count / (run.seconds - start) / 1e6 for run, count in speeds)
    yield Figure(f"wide import, {estate.readings_a_year:,} readings", slow, "M readings/s")
    yield Figure("… peak memory of the process tree", one.peak_bytes / 2**20, "MiB")
    note = f"{path.stat().st_size / 1e9:.2f} GB, {many.seconds:.1f} s in all"
    yield Figure(f"wide import, {readings:,} readings", fast, "M readings/s", slow, "one year", slow * 0.9, True, note)
    yield Figure("… peak memory of the process tree", many.peak_bytes / 2**20, "MiB", limit=2048)


def corrected_day(homes: Homes, estate: Estate, start: float, repeats: int) -> Iterator[Figure]:
    """One day with other values for every meter, over one year and over five, turn by turn."""
    runs: dict[Path, list[float]] = {homes.one: [], homes.five: []}
    for number in range(repeats):
        path = estate.corrected_day_file(number)
        for home, seconds in runs.items():
            done = must(home, "import", path, "--json")
            assert json.loads(done.stdout)["changed"] > estate.meters * 40, "the corrected day changed too little"
            seconds.append(done.seconds - start)
    path = estate.corrected_day_file(0)
    floor = median(timed(lambda: pl.read_csv(path), repeats=5))
    one, five = median(runs[homes.one]), median(runs[homes.five])
    floor_is = "Polars reads the file"
    name = "one corrected day of every meter"
    yield Figure(f"{name}, a year in the lake", one, "s", floor, floor_is, 0.5, runs=runs[homes.one])
    yield Figure(f"{name}, five years in the lake", five, "s", floor, floor_is, 0.5, runs=runs[homes.five])
    yield Figure("… five years against one", five / one, "×", limit=1.3)


def long_file(fresh: Callable[[], Path], estate: Estate, start: float, repeats: int) -> Iterator[Figure]:
    """A year of a hundred meters, a row a slot, into an empty lake."""
    meters = min(LONG_METERS, estate.meters)
    path = estate.long_file(meters)
    rows = meters * 48 * estate.days_a_year
    floor = median(timed(lambda: pl.read_csv(path), repeats=5, warm_up=1))
    runs = [_into_empty(fresh(), path, rows) for _ in range(repeats)]
    seconds = median([run.seconds for run in runs]) - start
    yield Figure(
        f"long import, {rows:,} rows",
        rows / seconds / 1e6,
        "M rows/s",
        rows / floor / 1e6,
        "Polars reads the file",
        limit=1.0,
        at_least=True,
        note=f"{seconds:.2f} s beyond process start; {_cpu_s(runs):.1f} s of CPU in all",
        runs=[run.seconds for run in runs],
    )
    yield Figure("… peak memory of the process tree", max(run.peak_bytes for run in runs) / 2**20, "MiB")


def lake_size(home: Path, estate: Estate) -> Iterator[Figure]:
    """Bytes on disk for each reading, after one import."""
    files = [path for path in (home / "lake").rglob("*") if path.is_file()]
    data = sum(path.stat().st_size for path in files if path.suffix == ".parquet" and "_delta_log" not in path.parts)
    every = sum(path.stat().st_size for path in files)
    readings = estate.readings_a_year
    raw = readings * 9  # a double and a byte
    yield Figure("lake, data files", data / readings, "B/reading", raw / readings, "value and quality bare", 2.6)
    yield Figure("lake, everything in its folder", every / readings, "B/reading")
