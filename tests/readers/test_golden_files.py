"""Real files, whose totals are known from elsewhere."""

from __future__ import annotations

import csv
import gzip
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from eclectyc.readers.blocks import DayBlock
from tests.readers.reading import read_file

DATA = Path(__file__).resolve().parents[1] / "data"


def test_the_long_london_file_gives_288_slots_and_its_published_total() -> None:
    read = read_file(DATA / "hh/long_period_ending_local.csv")
    assert (read.rows, read.errors, read.recognition.stamps, read.recognition.timezone) == (288, [], "end", None)
    assert sum(read.column("value")) == pytest.approx(65.1339999, abs=1e-9)
    assert read.column("quality").count(2) == 2
    assert set(read.column("unit")) == {"kWh"}
    assert read.column("stamp")[0] == datetime(2012, 10, 27, 0, 30)


def test_the_wide_london_file_gives_the_same_288_slots() -> None:
    read = read_file(DATA / "hh/wide48_settlement_local.csv")
    assert read.values.shape == (6, 50)
    assert np.count_nonzero(~np.isnan(read.values)) == 288
    assert np.nansum(read.values) == pytest.approx(65.1339999, abs=1e-9)
    assert np.count_nonzero(read.quality == 2) == 2
    assert (~np.isnan(read.values)).sum(axis=1).tolist() == [48, 50, 48, 48, 46, 48]
    assert read.column("day")[0] == date(2012, 10, 27)
    assert all(isinstance(block, DayBlock) and block.placing == "position" for block in read.blocks)


def test_the_cambridge_matrix_gives_every_building_its_own_sum() -> None:
    path = DATA / "cambridge/electricity_hourly_kwh_2021_2022.csv.gz"
    expected: dict[str, Decimal] = {}
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            for name, cell in row.items():
                if name != "datetime_utc" and cell:
                    expected[name] = expected.get(name, Decimal(0)) + Decimal(cell)
    read = read_file(path)
    assert (read.rows, read.errors, read.recognition.timezone) == (17520, [], "UTC")
    sums = dict(read.frame.group_by("meter").agg(pl.col("value").sum()).rows())
    assert {meter: round(total, 3) for meter, total in sums.items()} == {m: float(t) for m, t in expected.items()}
