"""The page on background work against what the rooms declare."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eclectyc.jobs import schedules
from eclectyc.jobs.models import Schedule

PAGE = (Path(__file__).parents[2] / "docs/jobs.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \|", PAGE, re.MULTILINE))


def when(cron: str) -> str:
    """Return how the page writes when a declared schedule is due."""
    minute, hour, *_ = cron.split()
    if hour != "*":
        return f"{int(hour):02d}:{int(minute):02d}"
    first, _, step = minute.partition("-59/")
    minutes = [f":{m:02d}" for m in range(int(first), 60, int(step or 60))]
    return f"{' and '.join(filter(None, [', '.join(minutes[:-1]), minutes[-1]]))} of every hour"


@pytest.mark.parametrize(
    ("cron", "text"),
    [
        ("20 2 * * *", "02:20"),
        ("17 * * * *", ":17 of every hour"),
        ("7-59/15 * * * *", ":07, :22, :37 and :52 of every hour"),
    ],
)
def test_the_time_of_a_schedule_is_written_as_people_read_it(cron, text):
    assert when(cron) == text


@pytest.mark.django_db
def test_the_page_lists_every_declared_schedule_and_when_it_is_due():
    schedules.sync_declared()
    declared = dict(Schedule.objects.filter(is_built_in=True).values_list("name", "cron"))
    assert len(declared) >= 7
    assert {name: when(cron) for name, cron in declared.items()} == ROWS
