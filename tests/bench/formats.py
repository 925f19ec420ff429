"""Files of named layouts by the real command: how much of each goes in in a second, beyond process start.

To add one: a function that writes the file and returns how much it holds, and its line in ``FILES``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.estate import SEED, Estate
from tests.bench.figures import Figure, median
from tests.bench.machine import Run, must


@dataclass(frozen=True, slots=True)
class FormatFile:
    """One kind of file. write : makes it from an estate, in a folder, and returns how many of ``counted`` it holds.

    field : where the import's report says how many went in. least : what was promised, of ``counted`` in a second.
    """

    name: str
    write: Callable[[Estate, Path], int]
    least: float
    counted: str = "readings"
    field: str = "added"
    options: tuple[str, ...] = ("--create-meters", "--site", "Formats")


def nem12(estate: Estate, path: Path) -> int:
    """Write the estate's last year as one NEM12 file of 30-minute intervals, a stream a meter."""
    import polars as pl

    days = estate.year(0)
    values = estate.load(estate.meters, len(days), SEED + 12)
    dates = pl.Series(days, dtype=pl.Date).dt.strftime("%Y%m%d")
    with path.open("wb") as file:
        file.write(b"100,NEM12,202501010000,MDA1,Ret1\n")
        for meter in range(estate.meters):
            own = values[meter * len(days) : (meter + 1) * len(days)]
            columns = {f"v{k}": own[:, k] for k in range(own.shape[1])}
            rows = pl.DataFrame({"kind": ["300"] * len(days), "day": dates, **columns})
            after = enumerate(("A", None, None, "20250101"))
            rows = rows.with_columns(pl.lit(cell, dtype=pl.String).alias(f"after{n}") for n, cell in after)
            file.write(f"200,6{meter:09},E1,1,E1,N1,METER{meter},kWh,30,\n".encode())
            file.write(rows.write_csv(include_header=False, float_precision=3).encode())
        file.write(b"900\n")
    return int(values.size)


def workbook(estate: Estate, path: Path) -> int:
    """Write a year of some meters as one sheet of a wide workbook: half a million cells of values."""
    import xlsxwriter

    days = estate.year(0)
    meters = min(estate.meters, 30)
    values = estate.load(meters, len(days), SEED + 13).round(3).tolist()
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet, shown = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, ["MPAN", "Date", *(f"HH{k:02}" for k in range(1, 49))])
        for n, row in enumerate(values):
            sheet.write_string(n + 1, 0, f"6{n // len(days):09}")
            sheet.write_datetime(n + 1, 1, days[n % len(days)], shown)
            sheet.write_row(n + 1, 2, row)
    return sum(len(row) for row in values)


def d0010(estate: Estate, path: Path) -> int:
    """Write a year of daily reads, at midnight, of the day and the night register of every meter as one D0010."""
    days = [f"{day:%Y%m%d}000000" for day in estate.year(0)]
    with path.open("w") as file:
        file.write("ZHV|BENCH|D0010002|D|UDMS|X|MRCY|20250402153151||||OPER|\n")
        for meter in range(estate.meters):
            lines = [f"026|6{meter:012}|V|", f"028|S{meter:08}|R|"]
            for n, day in enumerate(days):
                lines += (f"030|01|{day}|{meter + 3 * n}.5|||T|N|", f"030|02|{day}|{meter + 7 * n}.5|||T|N|")
            file.write("\n".join(lines) + "\n")
        body = estate.meters * (2 + 2 * len(days))
        file.write(f"ZPT|BENCH|{body}||{estate.meters}|20250402154650|\n")
    return 2 * estate.meters * len(days)


FILES: tuple[FormatFile, ...] = (
    FormatFile("wide.xlsx", workbook, 100_000, counted="cells"),
    FormatFile("nem12.csv", nem12, 2_000_000),
    FormatFile("d0010.uff", d0010, 100_000, counted="reads", field="reads"),
)


def figures(estate: Estate, folder: Path, start: float, repeats: int) -> Iterator[Figure]:
    """Import each file into an empty installation of its own. start : of a process that does nothing [s]."""
    for file in FILES:
        path = folder / file.name
        count = file.write(estate, path)
        runs = [_imported(folder / "home", path, file, count) for _ in range(repeats)]
        path.unlink()
        seconds = median([run.seconds for run in runs]) - start
        yield Figure(
            f"{file.name}, {count:,} {file.counted}",
            count / seconds,
            f"{file.counted}/s",
            limit=file.least,
            at_least=True,
            note=f"{seconds:.2f} s beyond process start; {median([run.cpu_s for run in runs]):.1f} s of CPU in all",
            runs=[run.seconds for run in runs],
        )
        yield Figure("… peak memory of the process tree", max(run.peak_bytes for run in runs) / 2**20, "MiB")


def _imported(home: Path, path: Path, file: FormatFile, count: int) -> Run:
    shutil.rmtree(home, ignore_errors=True)
    must(home, "user", "list")
    done = must(home, "import", path, "--json", *file.options)
    went_in = json.loads(done.stdout)[file.field]
    assert went_in == count, f"{went_in} {file.counted} went in of {count}"
    return done
