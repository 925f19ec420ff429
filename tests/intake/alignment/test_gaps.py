"""Files with holes around the clock changes: what is there lands where it belongs, what is not stays missing."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import World, make_meter, make_series, make_site
from tests.intake.alignment.test_clock_changes import (
    CHANGES,
    METER,
    long_end,
    long_in_utc,
    long_newest_first,
    long_of_periods,
    long_start,
    matrix_local,
    wide_numbered,
)
from tests.intake.import_calls import bring, held, starts_of, truth_of, values_of

pytestmark = pytest.mark.django_db
_numbers = count(1)
LAYOUTS = {
    "start": [long_start, long_newest_first, long_of_periods, long_in_utc, matrix_local, wide_numbered],
    "end": [long_end],
}


def comes_twice(start: datetime, zone: str) -> bool:
    """Whether the start or the end of a slot is a time that the clocks repeat."""
    for moment in (start, start + timedelta(minutes=30)):
        local = moment.astimezone(ZoneInfo(zone))
        if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
            return True
    return False


@pytest.mark.parametrize("stamps", LAYOUTS)
@pytest.mark.parametrize("zone", CHANGES)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_what_a_file_leaves_out_stays_missing_and_nothing_else_moves(
    world: World, tmp_path: Path, zone: str, stamps: str, data: st.DataObject
) -> None:
    layout = data.draw(st.sampled_from(LAYOUTS[stamps]))
    change = data.draw(st.sampled_from(CHANGES[zone]))
    starts = starts_of([change - timedelta(days=1), change, change + timedelta(days=1)], zone)
    holes = data.draw(st.sets(st.sampled_from(starts), max_size=90))
    truth = truth_of(starts)
    kept = {s: v for s, v in truth.items() if s not in holes or comes_twice(s, zone)}
    site = make_site(world.org, timezone=zone)
    meter = make_meter(site, f"H{next(_numbers)}")
    make_series(meter)
    if layout is wide_numbered:
        text = wide_with_blanks(truth, kept, zone)
    elif layout is long_of_periods:
        text = "\n".join(line for line in layout(truth, zone).splitlines() if line_is_kept(line, kept)) + "\n"
    else:
        text = layout(kept, zone)
    report = bring(world, tmp_path / "file.csv", text.replace(METER, meter.identifier), stamps=stamps)
    assert values_of(held(meter)) == kept
    assert report.rejected == 0
    assert report.readings == len(kept)


def line_is_kept(line: str, kept: dict[datetime, float]) -> bool:
    value = line.rsplit(",", 1)[1]
    return not value[0].isdigit() or float(value) in kept.values()


def wide_with_blanks(truth: dict[datetime, float], kept: dict[datetime, float], zone: str) -> str:
    days: dict[date, list[str]] = {}
    for start in truth:
        days.setdefault(start.astimezone(ZoneInfo(zone)).date(), []).append(str(kept.get(start, "")))
    header = "MPAN,Date," + ",".join(f"HH{k + 1}" for k in range(50))
    lines = [f"{METER},{day:%d/%m/%Y},{','.join(cells + [''] * (50 - len(cells)))}" for day, cells in days.items()]
    return "\n".join([header, *lines]) + "\n"
