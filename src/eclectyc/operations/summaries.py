"""Updates and checks day summaries, and gives the totals of a period.

A day's summary is written in the same commit as its readings, so none can lag behind. Interrupted imports are recovered
and the lake is maintained; then the summaries of the period are recalculated from the readings and compared with those
stored.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl
from django.conf import settings

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.analytics.estate import ConsumptionFilter, Group, consumption
from eclectyc.analytics.periods import month_after, month_of, week_of
from eclectyc.batches.own_lake import require_own_lake
from eclectyc.kernel.errors import Invalid

RANGES: Final = ("daily", "weekly", "monthly", "annual")
CLOSE_ENOUGH: Final = 1e-9  # relative: sums in another order differ in the last digits
TELEMETRY_BYTES: Final = 5 << 20


@dataclass(frozen=True, slots=True)
class SummaryRun:
    """One run; stored as a line of telemetry."""

    range: str
    start: date
    end: date
    settled: int  # interrupted imports
    maintained: bool
    days: int  # day rows whose summary was recalculated
    readings: int
    differing: int  # summaries that differed
    seconds: float
    began_at: datetime


def period(range: str, day: date) -> tuple[date, date]:
    """Return the half-open span of the day, week (from Monday), month or year that holds a day.

    >>> period("weekly", date(2025, 6, 5))
    (datetime.date(2025, 6, 2), datetime.date(2025, 6, 9))
    """
    if range == "daily":
        return day, day + timedelta(days=1)
    if range == "weekly":
        return week_of(day), week_of(day) + timedelta(days=7)
    if range == "monthly":
        return month_of(day), month_after(month_of(day))
    if range == "annual":
        return date(day.year, 1, 1), date(day.year + 1, 1, 1)
    raise Invalid(f"There is no range {range!r}.", f"Use {', '.join(RANGES)}.", field="range")


def whole_span() -> tuple[date, date] | None:
    """Return the half-open days with readings; None if there are none."""
    from eclectyc.lake.store import connect

    spans = connect().span(None)
    if spans.is_empty():
        return None
    return spans["first"].min(), spans["last"].max() + timedelta(days=1)  # type: ignore[operator, return-value]


def bring_up_to_date(range: str, start: date, end: date, *, began_at: datetime) -> SummaryRun:
    """Recover interrupted imports, maintain the lake, and recalculate the period's summaries."""
    require_own_lake()
    clock = time.perf_counter()
    settled, maintained = settle(), keep_lake()
    days = readings = differing = 0
    for found in verify(start, end):
        days, readings, differing = days + found[0], readings + found[1], differing + found[2]
    run = SummaryRun(
        range,
        start,
        end,
        settled,
        maintained,
        days,
        readings,
        differing,
        round(time.perf_counter() - clock, 3),
        began_at,
    )
    _keep_telemetry(run)
    return run


def settle() -> int:
    """Recover interrupted imports from the lake's log; return how many."""
    from eclectyc.batches.lifecycle import recover

    return len(recover())


def keep_lake() -> bool:
    """Compact, checkpoint and sweep the lake unless another process is writing; return whether it was done."""
    from eclectyc.kernel.errors import Busy
    from eclectyc.lake.lease import writer_lease
    from eclectyc.lake.store import connect

    if connect().version < 0:
        return False
    try:
        with writer_lease("aggregate", wait_s=1) as lease:
            connect().maintain(lease=lease)
    except Busy:
        return False
    return True


def verify(start: date, end: date) -> Iterator[tuple[int, int, int]]:
    """Yield (days, readings, differing summaries) for each month of a span, in parallel."""
    from eclectyc.lake.parallel import map_slices

    months = []
    while start < end:
        turn = min(month_after(month_of(start)), end)
        months.append((start, turn))
        start = turn
    yield from map_slices(_verify_span, months)


def _verify_span(span: tuple[date, date]) -> tuple[int, int, int]:
    from eclectyc.lake.slot_arrays import Slots, summarise
    from eclectyc.lake.store import connect

    rows = connect().days(None, *span, values=True)
    if rows.is_empty():
        return 0, 0, 0
    fresh = pl.DataFrame(summarise(Slots.from_frame(rows)))
    differs = pl.lit(value=False)
    for name in ("total", "low", "peak"):
        stored, recalculated = rows[name], fresh[name]
        off = (stored - recalculated).abs() > CLOSE_ENOUGH * (1 + recalculated.abs())
        differs = differs | off.fill_null(value=False) | (stored.is_null() != recalculated.is_null())
    for name in ("present", "slots", "estimated"):
        differs = differs | (rows[name] != fresh[name])
    return len(rows), int(fresh["present"].sum()), int(pl.select(differs.sum()).item())


def totals(
    actor: Actor, organisation: Organisation, start: date, end: date, *, today: date, group_by: Group
) -> pl.DataFrame:
    """Return the period's use by utility, site, region or meter: see ``analytics.consumption``."""
    whose = ConsumptionFilter(organisation=organisation.pk)
    return consumption(actor, start=start, end=end, group_by=group_by, narrowed=whose, today=today)


def telemetry_file() -> Path:
    """Return the path of the telemetry: JSON lines, oldest first."""
    return settings.HOME / "telemetry" / "aggregate.jsonl"


def last_runs(count: int = 20) -> list[dict[str, Any]]:
    """Return the telemetry of the last runs, newest last."""
    try:
        lines = telemetry_file().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines[-count:]]


def _keep_telemetry(run: SummaryRun) -> None:
    """Append one line; a file that has grown long is moved aside."""
    path = telemetry_file()
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.exists() and path.stat().st_size > TELEMETRY_BYTES:
        path.replace(path.with_suffix(".jsonl.1"))
    line = json.dumps(asdict(run), default=lambda v: v.isoformat()) + "\n"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)
