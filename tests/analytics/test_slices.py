"""Slices: every primary day row of a meter set exactly once, a bounded number of values at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from django.conf import settings
from django.db import transaction
from django.test import override_settings

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.fetch import MeterSet, select_meters
from eclectyc.analytics.slices import map_meters, plan_slices, slices
from tests.analytics.filling import fill, flat_days
from tests.factories import make_meter, make_series, make_world

pytestmark = pytest.mark.django_db

START, END = date(2025, 3, 20), date(2025, 11, 5)  # both clock changes


@pytest.fixture(scope="module")
def meters(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MeterSet]:
    """Meters with half-hours, days, both, two registers, gaps, and no readings; made once, as tests only read them."""
    folder = tmp_path_factory.mktemp("slices")
    ours = override_settings(HOME=folder, LAKE_URL=str(folder / "lake"))
    with django_db_blocker.unblock(), ours, transaction.atomic():
        world = make_world()
        for n, steps in enumerate([(30,), (30,), (1440,), (30, 1440), (30,)]):
            meter = make_meter(world.site)
            for step in steps:
                days = flat_days(START + timedelta(days=n), END, 1.0 + n, step=step)
                fill(make_series(meter, step_minutes=step), dict(list(days.items())[:: n + 1]))
        meter = make_meter(world.site)
        for register, value in (("E1", 2.0), ("E2", 3.0)):
            fill(make_series(meter, register=register), flat_days(START, END, value))
        make_meter(world.site)
        yield select_meters(Actor.of(world.admin), today=END)
        transaction.set_rollback(True)


@pytest.fixture
def home(meters: MeterSet) -> Path:
    """The home that the meters' readings are in."""
    return Path(settings.HOME)


@pytest.mark.parametrize("along", ["days", "meters"])
@pytest.mark.parametrize("limit", [1, 2_000, 50_000, 2_000_000])
@pytest.mark.parametrize("values", [True, False])
def test_slices_hold_every_primary_row_exactly_once(
    meters: MeterSet, *, along: Literal["days", "meters"], limit: int, values: bool
) -> None:
    found = pl.concat(slices(meters, START, END, values=values, along=along, limit=limit))
    reference = meters.rows(START, END, values=values)
    assert len(found) == len(reference) > 700
    order = ["point", "day"]
    assert found.sort(order).select(reference.columns).equals(reference.sort(order))


@pytest.mark.parametrize("along", ["days", "meters"])
def test_no_slice_holds_more_values_than_the_limit(meters: MeterSet, *, along: Literal["days", "meters"]) -> None:
    limit = 12_000  # one half-hourly meter has 11,040 values in these 230 days
    sizes = [
        rows["slots"].cast(pl.Int64).sum() for rows in slices(meters, START, END, values=True, along=along, limit=limit)
    ]
    assert len(sizes) > 3
    assert max(sizes) <= limit


def test_a_slice_along_meters_has_a_meters_whole_history(meters: MeterSet) -> None:
    points = [rows["point"].unique().to_list() for rows in slices(meters, START, END, along="meters", limit=1)]
    assert all(len(some) == 1 for some in points)
    assert len(points) == len({some[0] for some in points})


def test_rows_of_a_slice_are_in_order_of_points_and_days(meters: MeterSet) -> None:
    for rows in slices(meters, START, END, limit=5_000):
        assert rows.select("point", "day").equals(rows.select("point", "day").sort("point", "day"))


def test_a_question_is_answered_slice_by_slice_in_order(meters: MeterSet) -> None:
    total = sum(map_meters(_total, meters, START, END, limit=5_000))
    assert total == pytest.approx(meters.rows(START, END)["total"].sum())


def _total(rows: pl.DataFrame) -> float:
    return float(rows["total"].sum())


def test_a_slice_can_be_sent_to_another_process(meters: MeterSet) -> None:
    import pickle

    piece = next(iter(plan_slices(meters, START, END, values=True)))
    assert pickle.loads(pickle.dumps(piece)).rows().equals(piece.rows())


def test_nothing_requested_gives_no_slice(meters: MeterSet) -> None:
    assert not list(slices(meters, END, END))
    assert not list(slices(meters.select(meters.mask(pl.lit(value=False)).nonzero()[0]), START, END))
