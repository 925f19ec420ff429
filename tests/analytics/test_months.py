"""Months of many meters at once are what each meter's own days add up to, however odd its dates."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.estate import monthly
from eclectyc.analytics.readings import meter_readings
from eclectyc.estate.models import Meter
from tests.analytics.filling import fill, flat_days
from tests.factories import World, make_meter, make_series, make_site

pytestmark = pytest.mark.django_db
FIRST, LAST, TODAY = date(2025, 2, 20), date(2025, 7, 5), date(2025, 7, 2)
Told = tuple[float | None, int, int, int]


def some_days(world: World) -> list[Meter]:
    """Meters whose readings begin before they were installed, go on after they were removed, or into the future;
    that changed their step, or whose days come at two steps at once; that have none; in two zones."""
    abroad = make_site(world.org, "Abroad", timezone="America/St_Johns")
    facts = [
        {}, {"installed": date(2025, 3, 10)}, {"installed": date(2025, 1, 5)}, {"removed": date(2025, 5, 20)},
        {"removed": date(2025, 8, 1)}, {"is_active": False}, {"site": abroad}, {"step_minutes": 1440},
        {"step_minutes": 60, "site": abroad},
    ]  # fmt: skip
    meters = [make_meter(fact.pop("site", world.site), **fact) for fact in facts]
    for n, meter in enumerate(meters):
        zone = ZoneInfo(meter.site.timezone)
        days = flat_days(FIRST + timedelta(n), LAST - timedelta(3 * n), 0.5 + n, step=meter.step_minutes, zone=zone)
        del days[date(2025, 4, 8)]
        days[date(2025, 6, 3)] = [None] * (len(days[date(2025, 6, 3)]) - 1) + [2.0]
        fill(make_series(meter), days, quality=1 + n % 2)
    changed = make_meter(world.site)
    fill(make_series(changed, step_minutes=60), flat_days(FIRST, date(2025, 5, 10), 1.0, step=60))
    fill(make_series(changed), flat_days(date(2025, 5, 5), date(2025, 6, 20), 1.0))
    return [*meters, changed, make_meter(world.site), make_meter(world.site, installed=date(2025, 3, 3))]


@pytest.mark.parametrize(
    ("start", "end"),
    [(date(2025, 1, 1), date(2025, 9, 1)), (date(2025, 3, 30), date(2025, 6, 2)), (date(2025, 4, 3), date(2025, 4, 9)),
     (date(2025, 4, 1), date(2025, 4, 1)), (date(2020, 1, 1), date(2020, 2, 1))],
)  # fmt: skip
def test_months_of_many_meters_are_each_ones_days_added_up(world: World, start: date, end: date) -> None:
    meters = some_days(world)
    actor = Actor.of(world.viewer)
    expected: dict[tuple[int, date], Told] = {}
    for meter in meters if start < end else []:
        found = meter_readings(actor, meter, start=start, end=end, by="day", today=TODAY)
        for opens, value, *counts in found.frame.select("start", "value", "present", "expected", "estimated").rows():
            key = meter.pk, opens.date().replace(day=1)
            before = expected.get(key, (None, 0, 0, 0))
            total = before[0] if value is None else (before[0] or 0.0) + value
            expected[key] = (total, *(a + b for a, b in zip(before[1:], counts, strict=True)))
    answer = monthly(actor, meters, start, end, today=TODAY)
    assert (answer["unit"] == "kWh").all()
    assert {(meter, month): told for meter, month, *told in answer.select(
        "meter", "start", "value", "present", "expected", "estimated").iter_rows()
    } == {key: pytest.approx(list(told)) for key, told in expected.items()}  # fmt: skip
    assert answer.select("start", "meter").rows() == sorted(answer.select("start", "meter").rows())
