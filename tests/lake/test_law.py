"""Whatever is imported, imported again, corrected and undone: each day is the fold of its live claims."""

from __future__ import annotations

import math
import tempfile
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from eclectyc.lake.files import Storage
from eclectyc.lake.store import Lake
from tests.lake.reference import DERIVED, ESTIMATED, MISSING, SUBSTITUTED, Claim, History, Slot
from tests.lake.rows import FIRST, LAST, Turn, held, months

HOURLY, DAILY, OTHER = 1, 2, 3
STEPS = {HOURLY: 60, DAILY: 1440, OTHER: 1440}
HOURS = {date(2025, 3, 30): 23, date(2025, 3, 31): 24, date(2025, 10, 26): 25}
DAYS = sorted(HOURS)

slots = st.one_of(
    st.just((None, MISSING)),
    st.tuples(st.sampled_from([0.0, 1.5, 2.25]), st.integers(1, 5)),
)


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    """What one file may say: of some days, a short pattern over their slots."""
    keys = draw(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from(DAYS)), max_size=5, unique=True))
    claim: Claim = {}
    for series, day in keys:
        length = HOURS[day] if series == HOURLY else 1
        pattern: list[Slot] = draw(st.lists(slots, min_size=1, max_size=3))
        claim[series, day] = [pattern[n % len(pattern)] for n in range(length)]
    return claim


events = st.one_of(
    st.tuples(st.just("write"), claims(), st.sampled_from(["guarded", "guarded", "last_wins"])),
    st.tuples(st.just("again"), st.integers(0, 9), st.sampled_from(["guarded", "last_wins"])),
    st.tuples(st.just("undo"), st.integers(0, 9)),
    st.tuples(st.just("maintain")),
)


@settings(max_examples=60)
@given(st.lists(events, min_size=2, max_size=8), st.sampled_from([1, 2]))
def test_a_day_is_the_fold_of_its_live_claims(story: list[tuple], buckets: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake, history = Lake(Storage.from_url(str(Path(folder, "lake"))), buckets=buckets), History()
        for event in story:
            _act(lake, history, event)
            assert held(lake) == history.state(history.last)
        for batch in range(history.last + 1):
            assert held(lake, known_at=batch) == history.state(batch), f"known at {batch}"
        assert lake.check(deep=True) == []
        _check_summaries(lake)


def _act(lake: Lake, history: History, event: tuple) -> None:
    """Do the same to the lake and to the reference."""
    kind, turn = event[0], Turn()
    if kind == "maintain":
        lake.maintain(lease=turn, keep=timedelta(0), may_shorten=True)
    elif kind == "undo":
        if history.said:
            batch = sorted(history.said)[event[1] % len(history.said)]
            _undo(lake, history, batch)
    else:
        earlier = sorted(history.said)
        if kind == "again" and not earlier:
            return
        claim = event[1] if kind == "write" else history.said[earlier[event[1] % len(earlier)]][0]
        frames, rule = months(claim, STEPS), event[2]
        tried = lake.preview(frames, rule=rule)
        before = held(lake)
        expected = history.write(claim, rule)
        result = lake.write(frames, lease=turn, batch=history.last, rule=rule)
        counts = {name: getattr(result, name) for name in expected}
        assert counts == expected
        assert counts == {name: getattr(tried, name) for name in expected}
        assert {name: result.by_series[name].sum() for name in expected} == expected
        _check_touched(lake, before, result.touched)


def _undo(lake: Lake, history: History, batch: int) -> None:
    before = held(lake)
    spoken = 0 if batch in history.undone else sum(q != MISSING for d in history.said[batch][0].values() for _, q in d)
    history.undo(batch)
    result = lake.undo(batch, lease=Turn(), by=history.last)
    assert result.changed + result.unchanged + result.removed == spoken
    after = held(lake)
    gone = sum(
        one[1] != MISSING and other[1] == MISSING
        for day, slots_ in before.items()
        for one, other in zip(slots_, after.get(day, [(None, MISSING)] * len(slots_)), strict=True)
    )
    assert result.removed == gone
    _check_touched(lake, before, result.touched)


def _check_touched(lake: Lake, before: dict, touched: pl.DataFrame) -> None:
    after = held(lake)
    differs = sorted(day for day in before.keys() | after.keys() if before.get(day) != after.get(day))
    assert touched.rows() == differs


def _check_summaries(lake: Lake) -> None:
    for row in lake.days(None, FIRST, LAST, values=True).iter_rows(named=True):
        here = [(v, q) for v, q in zip(row["values"], row["quality"], strict=True) if v is not None]
        measured = [v for v, q in here if q != DERIVED]
        assert row["slots"] == len(row["values"])
        assert row["present"] == len(here)
        assert row["estimated"] == sum(q in {ESTIMATED, SUBSTITUTED, DERIVED} for _, q in here)
        assert math.isclose(row["total"], sum(v for v, _ in here), abs_tol=1e-9)
        assert (row["low"], row["peak"]) == ((min(measured), max(measured)) if measured else (None, None))
        first = [
            n
            for n, (v, q) in enumerate(zip(row["values"], row["quality"], strict=True))
            if q != DERIVED and v is not None and v == row["peak"]
        ]
        assert row["peak_slot"] == (first[0] if first else None)
