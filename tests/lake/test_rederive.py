"""Worked out anew, again and again, beside ordinary imports: each day is the fold of what still counts."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eclectyc.lake.errors import BadReadings
from eclectyc.lake.files import Storage
from eclectyc.lake.store import Lake
from tests.lake.reference import ACTUAL, DERIVED, MISSING, NOTHING, Claim, Day, History, Slot, lay_slot
from tests.lake.rows import Turn, frame, held, months
from tests.lake.test_law import DAYS, STEPS, claims

Span = tuple[date, date]
WIDE = st.tuples(st.sampled_from([DAYS[0], DAYS[1]]), st.sampled_from([DAYS[1], DAYS[2], date(2025, 11, 1)]))
SINGLE = st.sets(st.sampled_from(DAYS), min_size=1).map(lambda days: [(d, d + timedelta(days=1)) for d in sorted(days)])
SPANS = st.one_of(WIDE.map(lambda span: [span]), SINGLE)


@dataclass
class Anew(History):
    """A history in which some batches work spans out anew: what these said before counts no more, day by day."""

    derived: set[int] = field(default_factory=set)
    over: dict[tuple[int, Day], int] = field(default_factory=dict)  # batch and day → the number that ended it

    def work_out(self, claim: Claim, spans: dict[int, list[Span]]) -> None:
        """Note what the spans hold now; a day said again just so is left to the batch that said it."""
        self.last += 1
        claim = {day: slots for day, slots in claim.items() if any(q != MISSING for _, q in slots)}
        for batch in self.derived:
            for day, slots in list(self.said[batch][0].items()):
                if not _inside(day, spans) or (batch, day) in self.over:
                    continue
                if claim.get(day) == slots:
                    del claim[day]
                else:
                    self.over[batch, day] = self.last
        self.said[self.last] = (claim, "guarded")
        self.derived.add(self.last)

    def state(self, known_at: int) -> dict[Day, list[Slot]]:
        days: dict[Day, list[Slot]] = {}
        for batch, (claim, rule) in sorted(self.said.items()):
            if batch > known_at or self.undone.get(batch, known_at + 1) <= known_at:
                continue
            for day, slots in claim.items():
                if self.over.get((batch, day), known_at + 1) > known_at:
                    laid = days.get(day, [NOTHING] * len(slots))
                    days[day] = [lay_slot(one, other, rule)[0] for one, other in zip(laid, slots, strict=True)]
        return days


def _inside(day: Day, spans: dict[int, list[Span]]) -> bool:
    return any(start <= day[1] < end for start, end in spans.get(day[0], []))


def spans_frame(spans: dict[int, list[Span]]) -> pl.DataFrame:
    rows = [(series, *span) for series, of in spans.items() for span in of]
    return pl.DataFrame(rows, schema={"series": pl.Int32, "start": pl.Date, "end": pl.Date}, orient="row")


def with_derived_only(claim: Claim) -> Claim:
    """The same claim without slots that came without a flag: what is worked out always has one."""
    return {day: [(v, min(q, DERIVED)) for v, q in slots] for day, slots in claim.items()}


events = st.one_of(
    st.tuples(st.just("anew"), claims(), st.dictionaries(st.sampled_from(sorted(STEPS)), SPANS, min_size=1)),
    st.tuples(st.just("again"), st.integers(0, 9)),
    st.tuples(st.just("write"), claims()),
    st.tuples(st.just("undo"), st.integers(0, 9)),
    st.tuples(st.just("maintain")),
)


@settings(max_examples=30)
@given(st.lists(events, min_size=2, max_size=8), st.sampled_from([1, 2]))
def test_a_day_is_the_fold_of_what_still_counts(story: list[tuple], buckets: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake, history = Lake(Storage.from_url(str(Path(folder, "lake"))), buckets=buckets), Anew()
        for event in story:
            _act(lake, history, event)
            assert held(lake) == history.state(history.last), event
        for batch in range(history.last + 1):
            assert held(lake, known_at=batch) == history.state(batch), f"known at {batch}"
        assert lake.check(deep=True) == []


def _act(lake: Lake, history: Anew, event: tuple) -> None:
    kind, turn = event[0], Turn()
    files = sorted(set(history.said) - history.derived)
    if kind == "maintain":
        lake.maintain(lease=turn, keep=timedelta(0), may_shorten=True)
    elif kind == "undo" and files:
        batch = files[event[1] % len(files)]
        history.undo(batch)
        lake.undo(batch, lease=turn, by=history.last)
    elif kind == "write":
        history.write(event[1], "guarded")
        lake.write(months(event[1], STEPS), lease=turn, batch=history.last)
    elif kind in {"anew", "again"}:
        earlier = sorted(history.derived)
        if kind == "again" and not earlier:
            return
        if kind == "again":
            claim = history.said[earlier[event[1] % len(earlier)]][0]
            spans = {series: [(DAYS[0], DAYS[-1] + timedelta(days=1))] for series in STEPS}
        else:
            spans = event[2]
            claim = {day: s for day, s in with_derived_only(event[1]).items() if _inside(day, spans)}
        _work_out(lake, history, claim, spans)


def _work_out(lake: Lake, history: Anew, claim: Claim, spans: dict[int, list[Span]]) -> None:
    frames, before = months(claim, STEPS), held(lake)
    facts = {"spans": spans_frame(spans), "earlier": sorted(history.derived)}
    tried = lake.preview_replace(frames, **facts)
    history.work_out(claim, spans)
    result = lake.replace_spans(frames, **facts, lease=Turn(), batch=history.last)
    after = held(lake)
    differs = sorted(day for day in before.keys() | after.keys() if before.get(day) != after.get(day))
    assert result.touched.rows() == tried.touched.rows() == differs
    spoken = sum(q != MISSING for slots in claim.values() for _, q in slots)
    gone = sum(
        one[1] != MISSING and other[1] == MISSING
        for day, slots in before.items()
        for one, other in zip(slots, after.get(day, [NOTHING] * len(slots)), strict=True)
    )
    assert result.removed == gone
    assert result.added + result.unchanged + result.kept <= spoken
    names = ("added", "changed", "unchanged", "kept", "removed")
    assert [getattr(result, name) for name in names] == [getattr(tried, name) for name in names]
    assert [result.by_series[name].sum() for name in names] == [getattr(result, name) for name in names]


def test_the_same_again_writes_nothing(lake: Lake) -> None:
    day = date(2025, 3, 31)
    said = [frame([(1, day, 1440, [7.0], [DERIVED])])]
    spans = spans_frame({1: [(day, day + timedelta(days=1))]})
    lake.replace_spans(said, spans=spans, earlier=[], lease=Turn(), batch=1)
    files = set(lake.storage.open().file_uris())
    again = lake.replace_spans(said, spans=spans, earlier=[1], lease=Turn(), batch=2)
    assert (again.added, again.changed, again.unchanged, again.removed) == (0, 0, 1, 0)
    assert set(lake.storage.open().file_uris()) == files


def test_a_supplier_s_own_total_outlives_what_was_derived(lake: Lake) -> None:
    day = date(2025, 3, 31)
    spans = spans_frame({1: [(day, day + timedelta(days=1))]})
    lake.replace_spans([frame([(1, day, 1440, [7.0], [DERIVED])])], spans=spans, earlier=[], lease=Turn(), batch=1)
    lake.write([frame([(1, day, 1440, [8.0], [ACTUAL])])], lease=Turn(), batch=2)
    result = lake.replace_spans([], spans=spans, earlier=[1], lease=Turn(), batch=3)
    assert (held(lake), result.removed) == ({(1, day): [(8.0, ACTUAL)]}, 0)
    assert held(lake, known_at=1) == {(1, day): [(7.0, DERIVED)]}


def test_a_day_outside_its_span_is_refused(lake: Lake) -> None:
    day = date(2025, 3, 31)
    said = [frame([(1, day, 1440, [7.0], [DERIVED])])]
    with pytest.raises(BadReadings, match="outside the span"):
        lake.replace_spans(said, spans=spans_frame({2: [(day, date.max)]}), earlier=[], lease=Turn(), batch=1)


def test_spans_of_one_series_must_not_overlap(lake: Lake) -> None:
    first, last = date(2025, 3, 1), date(2025, 4, 1)
    spans = spans_frame({1: [(first, last), (last - timedelta(days=1), last)]})
    with pytest.raises(BadReadings, match="overlap"):
        lake.replace_spans([], spans=spans, earlier=[], lease=Turn(), batch=1)


def test_where_no_earlier_batches_are_named_none_of_them_counts_any_more(lake: Lake) -> None:
    day, other = date(2025, 3, 30), date(2025, 3, 31)
    told = [frame([(1, day, 1440, [7.0], [ACTUAL]), (1, other, 1440, [8.0], [ACTUAL])])]
    lake.write(told, lease=Turn(), batch=1)
    spans = spans_frame({1: [(day, other)]})
    lake.replace_spans([frame([(1, day, 1440, [9.0], [DERIVED])])], spans=spans, earlier=None, lease=Turn(), batch=2)
    assert held(lake) == {(1, day): [(9.0, DERIVED)], (1, other): [(8.0, ACTUAL)]}
    lake.replace_spans([], spans=spans, earlier=None, lease=Turn(), batch=3)
    assert held(lake) == {(1, other): [(8.0, ACTUAL)]}
    assert held(lake, known_at=2)[1, day] == [(9.0, DERIVED)]
