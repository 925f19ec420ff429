"""The same lake in an S3-compatible store."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from eclectyc.lake.errors import CommitConflict
from eclectyc.lake.store import connect
from tests.lake.rows import Turn, frame, held
from tests.lake.test_commit import prepared

SUMMER = date(2025, 6, 1)


def test_an_object_store_holds_a_lake_as_a_folder_does(s3_lake: str) -> None:
    lake = connect()
    assert lake.storage.url == s3_lake
    assert held(lake) == {}
    rows = [(s, SUMMER + timedelta(days=n), 1440, [s + n / 4], [5]) for s in (1, 2) for n in range(40)]
    june, july = frame(rows[:30] + rows[40:70]), frame(rows[30:40] + rows[70:])
    assert lake.write([june, july], lease=Turn(), batch=1).added == 80
    assert lake.write([june, july], lease=Turn(), batch=2).unchanged == 80
    assert lake.write([frame([(1, SUMMER, 1440, [9.0], [1])])], lease=Turn(), batch=3).changed == 1
    assert lake.days([1], SUMMER, SUMMER + timedelta(days=2))["total"].to_list() == [9.0, 1.25]
    assert lake.monthly(date(2025, 7, 1), date(2025, 8, 1))["present"].to_list() == [10, 10]
    lake.undo(3, lease=Turn(), by=4)
    assert len(held(lake)) == 80
    assert held(lake)[1, SUMMER] == [(1.0, 1)]
    assert held(lake, known_at=3)[1, SUMMER] == [(9.0, 1)]
    lake.maintain(lease=Turn(), keep=timedelta(0), may_shorten=True)
    assert lake.days([2], SUMMER, SUMMER + timedelta(days=1))["total"].to_list() == [2.0]
    assert lake.last_batch() == 4
    assert lake.check(deep=True) == []


def test_of_two_commits_on_one_version_an_object_store_takes_one(s3_lake: str) -> None:
    lake = connect()
    lake.write([frame([(1, SUMMER, 1440, [1.0], [1])])], lease=Turn(), batch=1)
    turn = Turn()
    one, other = prepared(lake, 2, 2.0, turn), prepared(lake, 3, 3.0, turn)
    one.commit(turn, batch=2, why="one")
    with pytest.raises(CommitConflict):
        other.commit(turn, batch=3, why="other")
    assert held(lake) == {(1, SUMMER): [(2.0, 1)]}
