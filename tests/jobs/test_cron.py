"""When schedules are due, above all on the two nights on which clocks change. Moments are reckoned by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.jobs import cron
from eclectyc.kernel.errors import Invalid

LONDON, NEW_YORK = "Europe/London", "America/New_York"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "start", "end", "moments"),
    [
        # Sunday 30 March 2025: 01:00 GMT is 02:00 BST at once. 01:30 is left out, and due when that hour is over.
        ("30 1 * * *", LONDON, "2025-03-29T12:00", "2025-03-31T12:00", ["2025-03-30T01:00", "2025-03-31T00:30"]),
        ("0,30 1 * * *", LONDON, "2025-03-30T00:00", "2025-03-30T12:00", ["2025-03-30T01:00"]),
        ("0 2 * * *", LONDON, "2025-03-30T00:00", "2025-03-30T12:00", ["2025-03-30T01:00"]),
        ("30 0 * * *", LONDON, "2025-03-29T12:00", "2025-03-31T12:00", ["2025-03-30T00:30", "2025-03-30T23:30"]),
        (
            "*/30 * * * *",
            LONDON,
            "2025-03-30T00:00",
            "2025-03-30T02:00",
            ["2025-03-30T00:30", "2025-03-30T01:00", "2025-03-30T01:30", "2025-03-30T02:00"],
        ),
        # Sunday 26 October 2025: 02:00 BST is 01:00 GMT. 01:30 comes at 00:30 and 01:30 UTC; the first counts.
        ("30 1 * * *", LONDON, "2025-10-25T12:00", "2025-10-27T12:00", ["2025-10-26T00:30", "2025-10-27T01:30"]),
        ("30 1 * * *", LONDON, "2025-10-26T00:45", "2025-10-26T12:00", []),
        ("0 2 * * *", LONDON, "2025-10-26T00:00", "2025-10-26T12:00", ["2025-10-26T02:00"]),
        ("30 * * * *", LONDON, "2025-10-26T00:00", "2025-10-26T02:00", ["2025-10-26T00:30", "2025-10-26T01:30"]),
        ("5 3 * * 1", LONDON, "2025-10-19T00:00", "2025-11-01T00:00", ["2025-10-20T02:05", "2025-10-27T03:05"]),
        # New York goes forward on 9 March 2025 at 07:00 UTC and back on 2 November at 06:00 UTC.
        ("30 2 * * *", NEW_YORK, "2025-03-08T12:00", "2025-03-10T12:00", ["2025-03-09T07:00", "2025-03-10T06:30"]),
        ("30 1 * * *", NEW_YORK, "2025-11-01T12:00", "2025-11-03T12:00", ["2025-11-02T05:30", "2025-11-03T06:30"]),
        # A zone without summer time, the 31st, the last day, a leap day.
        ("0 0 31 * *", "Asia/Tokyo", "2025-01-01T00:00", "2025-04-01T00:00", ["2025-01-30T15:00", "2025-03-30T15:00"]),
        ("0 12 L * *", "UTC", "2025-01-31T12:00", "2025-03-01T00:00", ["2025-02-28T12:00"]),
        ("0 0 29 2 *", "UTC", "2025-01-01T00:00", "2029-01-01T00:00", ["2028-02-29T00:00"]),
    ],
)
def test_a_schedule_is_due_at_these_moments(text, zone, start, end, moments):
    assert list(cron.due(text, zone, utc(start), utc(end))) == [utc(moment) for moment in moments]


CRONS = st.sampled_from(["30 1 * * *", "*/20 * * * *", "0,30 1 * * *", "15 * * * *", "7 1,2 * * 0", "0 */2 * * *"])
NIGHT = st.sampled_from([utc("2025-03-29T20:00"), utc("2025-10-25T20:00")])
MINUTES = st.integers(0, 12 * 60)


@given(CRONS, NIGHT, MINUTES, MINUTES)
def test_a_night_looked_at_in_two_parts_is_due_as_often_as_in_one(text, start, first, second):
    middle = start + timedelta(minutes=first)
    end = middle + timedelta(minutes=second)
    parts = [*cron.due(text, LONDON, start, middle), *cron.due(text, LONDON, middle, end)]
    whole = list(cron.due(text, LONDON, start, end))
    assert parts == whole
    assert whole == sorted(set(whole))


@given(CRONS, NIGHT, MINUTES, st.integers(1, 5))
def test_the_latest_moments_are_the_end_of_all(text, start, minutes, count):
    end = start + timedelta(minutes=minutes)
    assert cron.latest(text, LONDON, start, end, count) == list(cron.due(text, LONDON, start, end))[-count:]


def test_the_end_of_a_long_span_is_found_without_going_through_all_of_it():
    end = utc("2025-06-01T00:00")
    start = datetime(1975, 6, 1, tzinfo=UTC)  # 26 million minutes
    assert cron.latest("* * * * *", "UTC", start, end, 2) == [end - cron.MINUTE, end]
    assert cron.latest("0 0 29 2 *", "UTC", start, end, 1) == [utc("2024-02-29T00:00")]


@pytest.mark.parametrize(
    ("text", "zone", "field"),
    [
        ("* * * *", "UTC", "cron"),
        ("*/10 * * * * *", "UTC", "cron"),  # seconds
        ("61 * * * *", "UTC", "cron"),
        ("0 0 31 2 *", "UTC", "cron"),  # never
        ("x * * * *", "UTC", "cron"),
        ("", "UTC", "cron"),
        ("0 0 * * *", "Europe/Atlantis", "zone"),
        ("0 0 * * *", "", "zone"),
        ("0 0 * * *", "../../etc/passwd", "zone"),
    ],
)
def test_what_is_no_schedule_is_refused_with_its_field(text, zone, field):
    with pytest.raises(Invalid) as refusal:
        cron.check(text, zone)
    assert refusal.value.field == field
    assert refusal.value.remedy


def test_a_schedule_is_told_in_words():
    cron.check("30 3 * * *", LONDON)
    assert cron.words("30 3 * * *") == "At 03:30 every day"
