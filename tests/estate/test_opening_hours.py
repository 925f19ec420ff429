from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.estate.opening_hours import DAYS, default_week, minutes_open, text_of, week_of
from eclectyc.kernel.errors import Invalid

WEEKDAYS = [["07:00", "19:00"]]


@pytest.mark.parametrize(
    ("given_as", "week"),
    [
        ("Mon-Fri 07:00-19:00", [WEEKDAYS] * 5 + [[], []]),
        ("monday – friday 7.00 – 19.00", [WEEKDAYS] * 5 + [[], []]),
        ("Sat 09:00-12:00, 13:00-17:00", [[]] * 5 + [[["09:00", "12:00"], ["13:00", "17:00"]], []]),
        ("Sat-Mon 00:00-24:00", [[["00:00", "24:00"]]] + [[]] * 4 + [[["00:00", "24:00"]]] * 2),
        ("Sun 22:00-06:00", [[["00:00", "06:00"]]] + [[]] * 5 + [[["22:00", "24:00"]]]),  # over midnight, into Monday
        ("Mon 08:00-12:00; Mon 11:00-13:00", [[["08:00", "13:00"]]] + [[]] * 6),
        ("", [[]] * 7),
        ("closed", [[]] * 7),
        ({"Tuesday": [["08:00", "09:30"]]}, [[], [["08:00", "09:30"]]] + [[]] * 5),
        (default_week(), [WEEKDAYS] * 5 + [[], []]),
    ],
)
def test_opening_hours_are_read_as_people_write_them(given_as: object, week: list) -> None:
    assert week_of(given_as) == week


@pytest.mark.parametrize(
    "bad",
    ["Mon 25:00-26:00", "Mon 08:60-09:00", "Someday 08:00-09:00", "Mon 8-9", "Mon", "Mo 08:00-09:00", "Mon 08:00-08:00",
     7, None, [[]], [[["08:00"]]] + [[]] * 6, [["08:00-09:00"]] + [[]] * 6, {"Mon": "08:00-09:00"}],
)  # fmt: skip
def test_what_is_no_opening_hours_is_refused_in_words(bad: object) -> None:
    with pytest.raises(Invalid) as refused:
        week_of(bad)
    assert refused.value.field == "opening_hours"
    assert "Write" in refused.value.remedy


CLOCK = st.integers(0, 96).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
SPANS = st.lists(st.tuples(CLOCK, CLOCK).filter(lambda span: span[0] != span[1] and span[0] != "24:00"), max_size=4)


@given(st.lists(SPANS, min_size=7, max_size=7))
def test_a_week_covers_exactly_the_quarters_that_its_spans_cover(days: list[list[tuple[str, str]]]) -> None:
    week = week_of(days)
    for weekday in range(7):
        covered = {m for opens, closes in minutes_open(week, weekday) for m in range(opens, closes, 15)}
        assert covered == _covered(days, weekday)
        ends = [edge for span in minutes_open(week, weekday) for edge in span]
        assert ends == sorted(set(ends))


@given(st.lists(SPANS, min_size=7, max_size=7))
def test_a_week_written_out_reads_back_the_same(days: list[list[tuple[str, str]]]) -> None:
    week = week_of(days)
    assert week_of(text_of(week)) == week
    assert week_of(week) == week


def _covered(days: list[list[tuple[str, str]]], weekday: int) -> set[int]:
    found: set[int] = set()
    for day, spans in enumerate(days):
        for opens, closes in spans:
            start, end = _minutes(opens), _minutes(closes)
            end += 1440 if end <= start else 0
            for minute in range(start, end, 15):
                if (day + minute // 1440) % len(DAYS) == weekday:
                    found.add(minute % 1440)
    return found


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])
