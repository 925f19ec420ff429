"""A thousand meters' readings as files: the same from the same seed, made anew where they are not there yet."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from eclectyc.kernel.days import slot_counts
from eclectyc.kernel.identifiers import mpan_check_digit

LONDON = ZoneInfo("Europe/London")
SEED = 20251
SITES = 50


@dataclass(frozen=True)
class Estate:
    """So many half-hourly meters over so many days up to ``until`` (exclusive), as files in ``folder``."""

    folder: Path
    meters: int
    days_a_year: int
    until: date

    @cached_property
    def identifiers(self) -> list[str]:
        """MPANs with the right check digit."""
        firsts = [f"10{n:010}" for n in range(1, self.meters + 1)]
        return [f"{first}{mpan_check_digit(first)}" for first in firsts]

    @property
    def readings_a_year(self) -> int:
        """How many values a year's file holds."""
        return self.readings_in(0)

    def readings_in(self, back: int) -> int:
        """How many values the file of the year ``back`` years ago holds."""
        counts = slot_counts(np.array(self.year(back)), LONDON, 30)
        return int(counts.sum()) * self.meters

    def year(self, back: int) -> list[date]:
        """The days of the last year, or of the one ``back`` years before it."""
        last = self.until - timedelta(days=self.days_a_year * back)
        return [last - timedelta(days=n) for n in range(self.days_a_year, 0, -1)]

    def sites_file(self) -> Path:
        """The sites as a file to import."""
        path = self.folder / "sites.csv"
        numbers = range(SITES)
        kinds = ("office", "education", "retail", "industrial", "warehouse")
        pl.DataFrame(
            {
                "name": [f"Site {n:02}" for n in numbers],
                "region": [f"Region {n % 5}" for n in numbers],
                "site_type": [kinds[n % 5] for n in numbers],
                "floor_area": [1000 + 100 * n for n in numbers],
            }
        ).write_csv(path)
        return path

    def meters_file(self) -> Path:
        """The meters as a file to import."""
        path = self.folder / "meters.csv"
        sites = [f"Site {n % SITES:02}" for n in range(self.meters)]
        columns = {"identifier": self.identifiers, "site": sites, "utility": ["electricity"] * self.meters}
        pl.DataFrame(columns | {"step": [30] * self.meters}).write_csv(path)
        return path

    def wide_file(self, back: int = 0) -> Path:
        """One year, wide: a row a meter and day, columns HH01 … HH50 in the local day."""
        path = self.folder / f"wide-{self.until}-{back}.csv"
        if not path.exists():
            self._wide(self.year(back), SEED + back).write_csv(path.with_suffix(".part"), float_precision=3)
            path.with_suffix(".part").rename(path)
        return path

    def years_file(self, years: int) -> Path:
        """Some years in one wide file, one year after another."""
        path = self.folder / f"wide-{self.until}-{years}-years.csv"
        if path.exists():
            return path
        with path.with_suffix(".part").open("wb") as whole:
            for back in range(years - 1, -1, -1):
                kept = (self.folder / f"wide-{self.until}-{back}.csv").exists()
                one = self.wide_file(back)
                with one.open("rb") as part:
                    header = part.readline()
                    if back == years - 1:
                        whole.write(header)
                    shutil.copyfileobj(part, whole, 1 << 20)
                if not kept:
                    one.unlink()
        path.with_suffix(".part").rename(path)
        return path

    def corrected_day_file(self, number: int) -> Path:
        """One day in the middle of the last year for every meter, each ``number`` with other values."""
        path = self.folder / f"corrected-{number}.csv"
        days = self.year(0)
        self._wide([days[len(days) // 2]], SEED + 1000 + number).write_csv(path, float_precision=3)
        return path

    def long_file(self, meters: int) -> Path:
        """The last year of some meters, long: one row a slot, its start printed in UTC."""
        path = self.folder / f"long-{self.until}-{meters}.csv"
        if path.exists():
            return path
        days = self.year(0)
        first = np.datetime64(days[0], "ms")
        stamps = first + np.arange(48 * len(days)) * np.timedelta64(30, "m")
        one = pl.Series("start", stamps).cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%d %H:%M:%SZ")
        frame = pl.DataFrame(
            {
                "mpan": np.repeat(np.array(self.identifiers[:meters]), len(one)),
                "start": pl.concat([one] * meters),
                "kwh": self.load(meters, len(days), SEED + 77).reshape(-1),
            }
        )
        frame.write_csv(path.with_suffix(".part"), float_precision=3)
        path.with_suffix(".part").rename(path)
        return path

    def _wide(self, days: list[date], seed: int) -> pl.DataFrame:
        values = self.load(self.meters, len(days), seed, slots=50)
        counts = np.tile(slot_counts(np.array(days), LONDON, 30), self.meters)
        values[np.arange(50)[None, :] >= counts[:, None]] = np.nan
        columns = {f"HH{k + 1:02}": pl.Series(values[:, k]).fill_nan(None) for k in range(50)}
        mpans = np.repeat(np.array(self.identifiers), len(days))
        dates = pl.Series(days * self.meters, dtype=pl.Date)
        return pl.DataFrame({"MPAN": mpans, "Date": dates} | columns)

    @staticmethod
    def load(meters: int, days: int, seed: int, slots: int = 48) -> np.ndarray:
        """A working day's shape with noise [kWh], shape (meters × days, slots)."""
        random = np.random.default_rng(seed)
        hours = np.arange(slots) / 2
        shape = 4 + 9 / (1 + np.exp(-(hours - 7) * 2)) - 8 / (1 + np.exp(-(hours - 18) * 2))
        size = random.lognormal(0, 0.5, size=(meters, 1, 1)) * random.normal(1, 0.1, size=(meters, days, 1))
        noise = random.normal(1, 0.08, size=(meters, days, slots))
        return np.round(np.clip(shape * size * noise, 0, None), 3).reshape(meters * days, slots)
