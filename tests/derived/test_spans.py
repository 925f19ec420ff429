"""Spans of days against plain sets of days."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.derived import spans

FIRST = date(2025, 2, 20)
SPANS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 60), st.integers(1, 40)), max_size=8)


def frame(drawn: list[tuple[int, int, int]]) -> pl.DataFrame:
    rows = [(key, FIRST + timedelta(days=at), FIRST + timedelta(days=at + length)) for key, at, length in drawn]
    return pl.DataFrame(rows, schema={"meter": pl.Int64, "start": pl.Date, "end": pl.Date}, orient="row")


def days(found: pl.DataFrame) -> set[tuple[int, date]]:
    return {
        (key, start + timedelta(days=n)) for key, start, end in found.iter_rows() for n in range((end - start).days)
    }


@given(SPANS)
def test_merged_spans_hold_the_same_days_once_and_stand_apart(drawn):
    found = spans.merged(frame(drawn))
    assert days(found) == days(frame(drawn))
    rows = found.rows()
    assert rows == sorted(rows)
    assert all(a[0] != b[0] or a[2] < b[1] for a, b in pairwise(rows))
    listed = spans.days_of(found)
    assert len(listed) == len(days(found))
    assert spans.runs(listed.sample(fraction=1, shuffle=True, seed=1)).rows() == rows


@given(SPANS)
def test_months_hold_every_day_once(drawn):
    found = spans.merged(frame(drawn))
    seen: set[tuple[int, date]] = set()
    for first, end, part in spans.months_of(found):
        assert all(first <= day < end for _, day in days(part))
        assert not seen & days(part)
        seen |= days(part)
    assert seen == days(found)


@given(SPANS, st.integers(0, 60), st.integers(0, 60))
def test_bounded_spans_hold_what_lies_between_first_and_last(drawn, first, last):
    edges = FIRST + timedelta(days=first), FIRST + timedelta(days=last)
    held = pl.DataFrame([(1, *edges)], schema={"meter": pl.Int64, "first": pl.Date, "last": pl.Date}, orient="row")
    found = spans.merged(frame(drawn))
    assert days(spans.bounded(found, held)) == {
        (key, day) for key, day in days(found) if key == 1 and edges[0] <= day <= edges[1]
    }
