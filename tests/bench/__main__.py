"""``python -m tests.bench``: measure the main job and print each number beside its floor.

``--quick`` takes a small estate, to try the harness itself; its numbers mean nothing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tests.bench import formats, imports, machine, push, queue, reads, registry
from tests.bench.estate import Estate
from tests.bench.figures import Figure, shown, table

YEARS = 5
MANY_YEARS = 10


@dataclass(frozen=True, slots=True)
class Bench:
    """What all parts share: the estate, where the homes are, and how often each is tried."""

    estate: Estate
    folder: Path
    repeats: int

    def fresh_home(self, name: str) -> Path:
        """Return an installation with the estate's meters and no readings."""
        home = self.folder / name
        shutil.rmtree(home, ignore_errors=True)
        imports.prepared(home, self.estate)
        return home

    def home_of_a_year(self) -> Path:
        """Return the installation with one year in it, made where it is not there yet."""
        home = self.folder / "one-year"
        if not (home / "lake").exists():
            machine.must(self.fresh_home("one-year"), "import", self.estate.wide_file())
        return home


def of_year(bench: Bench) -> Iterator[Figure]:
    """A year in, the same again, and what it takes on disk."""
    start, figures = imports.process_start(bench.fresh_home("one-year"), bench.repeats)
    yield from figures
    wide = list(imports.year_of_wide(lambda: bench.fresh_home("one-year"), bench.estate, start, bench.repeats))
    yield from wide
    home = bench.home_of_a_year()
    yield from imports.lake_size(home, bench.estate)
    yield imports.same_again(home, bench.estate, wide[0].value, start, bench.repeats)


def of_reads(bench: Bench) -> Iterable[Figure]:
    """What readers wait for, over a home with one year in it."""
    return reads.figures(bench.home_of_a_year(), bench.estate.until)


def of_corrections(bench: Bench) -> Iterator[Figure]:
    """A corrected day over one year and over five."""
    homes = imports.Homes(bench.home_of_a_year(), bench.fresh_home("five-years"))
    start, _ = imports.process_start(homes.one, bench.repeats)
    for back in range(YEARS):
        print(f"  laying year {back + 1} of {YEARS} …", file=sys.stderr)
        machine.must(homes.five, "import", bench.estate.wide_file(back))
    yield from imports.corrected_day(homes, bench.estate, start, bench.repeats)


def of_long(bench: Bench) -> Iterator[Figure]:
    """A long file into an empty lake."""
    start, _ = imports.process_start(bench.fresh_home("long"), bench.repeats)
    yield from imports.long_file(lambda: bench.fresh_home("long"), bench.estate, start, bench.repeats)


def of_size(bench: Bench) -> Iterator[Figure]:
    """Ten years of every meter in one file: memory must not grow with it."""
    start, _ = imports.process_start(bench.fresh_home("size"), bench.repeats)
    yield from imports.many_years(lambda: bench.fresh_home("size"), bench.estate, MANY_YEARS, start)
    shutil.rmtree(bench.folder / "size")


def of_registry(bench: Bench) -> Iterable[Figure]:
    """Lists and rights over 100,000 meters, on either database."""
    return registry.figures(bench.folder / "registry", quick=bench.estate.meters < 1000)


def of_queue(bench: Bench) -> Iterable[Figure]:
    """A queue of background jobs, drained by three workers."""
    return queue.figures(bench.folder / "queue", quick=bench.estate.meters < 1000)


def of_formats(bench: Bench) -> Iterator[Figure]:
    """Files of named layouts, each into an empty lake."""
    folder = bench.folder / "formats"
    folder.mkdir(parents=True, exist_ok=True)
    start, _ = imports.process_start(bench.fresh_home("formats-start"), bench.repeats)
    yield from formats.figures(bench.estate, folder, start, bench.repeats)


def of_pushes(bench: Bench) -> Iterator[Figure]:
    """Two million pushed readings on an idle server, and beside an import of a year."""
    meters = min(push.METERS, bench.estate.meters)
    yield from push.figures(bench.fresh_home("push"), bench.estate, meters=meters)
    yield from push.beside_an_import(bench.fresh_home("push-beside"), bench.estate, meters=meters)


PARTS: dict[str, Callable[[Bench], Iterable[Figure]]] = {
    "year": of_year,
    "reads": of_reads,
    "corrections": of_corrections,
    "long": of_long,
    "size": of_size,
    "registry": of_registry,
    "push": of_pushes,
    "formats": of_formats,
    "queue": of_queue,
}


def main() -> int:
    """Measure the asked-for parts, print the table, write the JSON."""
    options = _options()
    folder = options.folder.resolve()
    files = folder / ("quick" if options.quick else "files")
    files.mkdir(parents=True, exist_ok=True)
    size = {"meters": 60, "days_a_year": 90} if options.quick else {"meters": 1000, "days_a_year": 365}
    bench = Bench(Estate(files, until=options.until, **size), files / "homes", options.repeats)
    about = machine.description()
    if machine.is_busy():
        print("This machine is busy with other work: the figures will say little.", file=sys.stderr)
    figures: list[Figure] = []
    for name in options.parts or PARTS:
        print(f"{name}:", file=sys.stderr)
        for figure in PARTS[name](bench):
            print(f"  {figure.name}: {shown(figure.value, figure.unit)}", file=sys.stderr)
            figures.append(figure)
    print("\n".join(f"{key}: {value}" for key, value in about.items()), end="\n\n")
    print(table(figures))
    path = options.json or folder / "results.json"
    path.write_text(json.dumps({"machine": about, "figures": [figure.as_json() for figure in figures]}, indent=2))
    print(f"\nEvery run is in {path}.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"which parts: {', '.join(PARTS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="a small estate, to try the harness")
    parser.add_argument("--repeats", type=int, default=5, help="repeats of each command")
    parser.add_argument("--until", type=date.fromisoformat, default=date.today(), help="the day after the last reading")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="where files and homes are made and kept")
    parser.add_argument("--json", type=Path, help="where the figures are written")
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
