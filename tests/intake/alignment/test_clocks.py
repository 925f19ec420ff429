"""Clocks on arrays against the time zones' own rules, one instant at a time."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest

from eclectyc.intake.alignment.clocks import clock_of

ZONES = sorted(name for name in available_timezones() if name.partition("/")[0] not in ("posix", "right", "localtime"))
HOUR_S, DAY_S = 3600, 86_400


@pytest.mark.parametrize("years", [(1996, 1999), (2010, 2014), (2024, 2025)])
def test_every_zone_shows_what_its_rules_say(years: tuple[int, int]) -> None:
    first, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (years[0], years[1] + 1))
    chance = random.Random(years[0])
    for name in ZONES:
        clock, zone = clock_of(name, *years), ZoneInfo(name)
        edges = [int(change) + by for change in clock.changes for by in (-1, 0, 1)]
        instants = np.array([chance.randrange(first, end) for _ in range(60)] + edges, np.int64)
        shown = [datetime.fromtimestamp(int(at), zone).replace(tzinfo=UTC).timestamp() for at in instants]
        assert clock.to_wall(instants).tolist() == [int(wall) for wall in shown], name


def test_a_clock_knows_the_changes_of_its_years_to_the_second() -> None:
    clock = clock_of("Europe/London", 2025, 2025)
    spring, autumn = (int(datetime(2025, month, day, 1, tzinfo=UTC).timestamp()) for month, day in ((3, 30), (10, 26)))
    assert {spring, autumn} <= set(clock.changes.tolist())
    assert clock.to_wall(np.array([spring - 1, spring])).tolist() == [spring - 1, spring + HOUR_S]
    assert clock.to_wall(np.array([autumn - 1, autumn])).tolist() == [autumn - 1 + HOUR_S, autumn]
    assert np.diff(clock.changes).min() > 100 * DAY_S
