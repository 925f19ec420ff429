"""Instants: every usual way of writing one, many at once exactly as one by one, and no guessing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.intake.push.instants import BadStamp, instant_of, instants_of

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2100, 12, 30), timezones=OFFSETS).map(
    lambda moment: moment.replace(microsecond=0)
)


def epoch_s(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-06-01T10:00:00Z", datetime(2025, 6, 1, 10, tzinfo=UTC)),
        ("2025-06-01T10:00Z", datetime(2025, 6, 1, 10, tzinfo=UTC)),
        ("2025-06-01t10:00:00z", datetime(2025, 6, 1, 10, tzinfo=UTC)),
        ("2025-06-01 10:00:00+01:00", datetime(2025, 6, 1, 9, tzinfo=UTC)),
        ("2025-06-01T10:00:00+0100", datetime(2025, 6, 1, 9, tzinfo=UTC)),
        ("2025-06-01T10:00:00-05:30", datetime(2025, 6, 1, 15, 30, tzinfo=UTC)),
        (" 2025-06-01T10:00:00.000Z ", datetime(2025, 6, 1, 10, tzinfo=UTC)),
        ("2025-10-26T01:30:00+01:00", datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),
        ("2025-10-26T01:30:00+00:00", datetime(2025, 10, 26, 1, 30, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_as_it_is_written(text: str, moment: datetime) -> None:
    assert instant_of(text) == epoch_s(moment)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2025-06-01T10:00:00", "no offset"),
        ("2025-06-01 10:00", "no offset"),
        ("2025-06-01", "is not an instant"),
        ("2025-06-31T10:00:00Z", "is not an instant"),
        ("2025-06-01T24:00:00Z", "is not an instant"),
        ("2025-06-01T10:00:00+25:00", "is not an instant"),
        ("01/06/2025 10:00", "is not an instant"),
        ("1748772000", "is not an instant"),
        ("", "is not an instant"),
        ("２０２５-06-01T10:00:00Z", "is not an instant"),
        ("2025-06-01T10:00:00Z\x00", "is not an instant"),
        ("1969-12-31T23:30:00Z", "not between"),
        ("2101-01-01T00:00:00Z", "not between"),
        ("2025-06-01T10:00:00.5Z", "whole second"),
    ],
)
def test_what_is_no_instant_is_refused_with_a_remedy(text: str, says: str) -> None:
    with pytest.raises(BadStamp, match=says) as refused:
        instant_of(text)
    assert refused.value.remedy
    assert instants_of([text]) is None


@given(st.lists(MOMENTS, min_size=1, max_size=20), st.booleans())
def test_many_at_once_are_what_each_is_alone(moments: list[datetime], is_utc: bool) -> None:
    if is_utc:
        texts = [moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for moment in moments]
    else:
        texts = [moment.isoformat() for moment in moments]
    found = instants_of(texts)
    assert found is not None
    assert found.tolist() == [epoch_s(moment) for moment in moments]


STRANGE = st.text(alphabet="0123456789-T:Z+. z", min_size=19, max_size=26)


@given(st.lists(MOMENTS.map(lambda moment: moment.isoformat()), max_size=3), STRANGE)
def test_at_once_never_reads_what_is_refused_alone(texts: list[str], strange: str) -> None:
    found = instants_of([*texts, strange])
    try:
        alone = instant_of(strange)
    except BadStamp:
        assert found is None
    else:
        assert found is None or found[-1] == alone
