"""Days printed by another clock than the site's, moved as whole rows: each slot is where its instant is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from tests.factories import World, make_meter, make_site
from tests.intake.import_calls import bring, held, starts_of, truth_of, values_of

pytestmark = pytest.mark.django_db

METERS = ("1200023305967", "1200000000002")
SPANS = ((date(2025, 2, 26), 8), (date(2025, 3, 26), 10), (date(2025, 10, 3), 5), (date(2025, 10, 24), 12))
Printed = list[tuple[str, date, list[str]]]
Truth = dict[str, dict[datetime, float]]


def printed_by(clock: str) -> tuple[Printed, Truth]:
    """Days of two meters as a clock prints them, a few cells blank, and what each instant has."""
    rng, rows, truth = Random(7), [], {}
    days = [first + timedelta(days=d) for first, count in SPANS for d in range(count)]
    for n, meter in enumerate(METERS):
        told = {at: 100 * n + value for at, value in truth_of(starts_of(days, clock)).items()}
        truth[meter] = {at: value for at, value in told.items() if rng.random() > 0.01}
        rows += [(meter, day, [str(truth[meter].get(at, "")) for at in starts_of([day], clock)]) for day in days]
    return rows, truth


def text_of(rows: Printed) -> str:
    lines = [",".join(["MPAN", "Date", *(f"HH{k + 1:02}" for k in range(50))])]
    lines += [",".join([m, f"{d:%d/%m/%Y}", *cells, *[""] * (50 - len(cells))]) for m, d, cells in rows]
    return "\n".join(lines) + "\n"


@pytest.fixture
def meters_in(world: World) -> Callable[[str], None]:
    def make(zone: str) -> None:
        world.meter.delete()
        site = make_site(world.org, "Abroad", timezone=zone)
        for meter in METERS:
            make_meter(site, meter)

    return make


@pytest.mark.parametrize("order", ["by meter", "by day", "newest first", "shuffled"])
@pytest.mark.parametrize(
    ("zone", "clock"),
    [
        ("Europe/London", "UTC"),
        ("America/New_York", "Europe/London"),
        ("Asia/Kolkata", "UTC"),
        ("Pacific/Kiritimati", "Pacific/Pago_Pago"),  # more than a day ahead
    ],
)
def test_every_reading_is_where_its_instant_is(
    world: World, meters_in: Callable[[str], None], tmp_path: Path, zone: str, clock: str, order: str
) -> None:
    meters_in(zone)
    rows, truth = printed_by(clock)
    if order == "shuffled":
        Random(3).shuffle(rows)
    elif order != "by meter":
        rows.sort(key=lambda row: row[1], reverse=order == "newest first")
    report = bring(world, tmp_path / "file.csv", text_of(rows), timezone=clock)
    assert report.rejected == 0
    for meter in METERS:
        assert values_of(held(meter)) == truth[meter]


def test_a_day_printed_twice_names_both_lines_where_the_two_differ(world: World, tmp_path: Path) -> None:
    first = date(2025, 7, 1)
    rows: Printed = [(METERS[0], first + timedelta(days=d), [str(d + 1)] * 48) for d in (0, 1, 2)]
    rows.insert(2, (METERS[0], rows[1][1], ["2"] * 46 + ["9", "2"]))
    report = bring(world, tmp_path / "file.csv", text_of(rows), timezone="UTC")
    starts = starts_of([first + timedelta(days=d) for d in (0, 1, 2)], "UTC")
    expected = {at: float((at.date() - first).days + 1) for at in starts}
    expected.pop(datetime.fromisoformat("2025-07-02T23:00+00:00"))
    assert values_of(held(METERS[0])) == expected
    assert sorted(error.line for error in report.errors) == [3, 4]
