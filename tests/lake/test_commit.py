"""Only one of two writers commits, and one that slept past its turn never does."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from eclectyc.lake.commit import PendingCommit
from eclectyc.lake.errors import CommitConflict, WriterLeaseLost
from eclectyc.lake.files import Storage
from eclectyc.lake.merge_month import merge_month
from eclectyc.lake.store import Lake
from eclectyc.lake.write import month_jobs
from tests.lake.rows import Turn, frame, held

SUMMER = date(2025, 6, 1)
JULY = date(2025, 7, 1)


def row(value: float, series: int = 1) -> pl.DataFrame:
    return frame([(series, SUMMER, 1440, [value], [1])])


def prepared(lake: Lake, batch: int, value: float, turn: Turn) -> PendingCommit:
    """A write that has written its files and not committed."""
    change = PendingCommit.begin(lake.storage, 1, turn)
    for job in month_jobs(lake.storage, change.base, [row(value)], batch=batch, rule="guarded"):
        part = merge_month(job)
        change.added += part.added
        change.remove(part.removed)
    return change


def test_of_two_commits_prepared_on_one_version_only_the_first_is_made(lake: Lake) -> None:
    lake.write([row(1.0)], lease=Turn(), batch=1)
    turn = Turn()
    one, other = prepared(lake, 2, 2.0, turn), prepared(lake, 3, 3.0, turn)
    one.commit(turn, batch=2, why="one")
    with pytest.raises(CommitConflict):
        other.commit(turn, batch=3, why="other")
    assert held(lake) == {(1, SUMMER): [(2.0, 1)]}
    assert lake.last_batch() == 2


def test_two_commits_that_touch_nothing_in_common_conflict_all_the_same(lake: Lake) -> None:
    lake.write([row(1.0)], lease=Turn(), batch=1)
    turn = Turn()
    one, other = prepared(lake, 2, 2.0, turn), PendingCommit.begin(lake.storage, 1, turn)
    one.commit(turn, batch=2, why="one")
    with pytest.raises(CommitConflict):
        other.commit(turn, batch=3, why="nothing in it")


def test_a_writer_thawed_after_its_turn_was_taken_cannot_commit(lake: Lake) -> None:
    lake.write([row(1.0)], lease=Turn(fence=1), batch=1)
    frozen = Turn(fence=2)
    change = prepared(lake, 2, 2.0, frozen)
    lake.write([row(3.0)], lease=Turn(fence=3), batch=3)
    with pytest.raises(CommitConflict):  # even where it does not know yet that its turn has passed
        change.commit(frozen, batch=2, why="thawed")
    frozen.is_lost = True
    with pytest.raises(WriterLeaseLost):
        change.commit(frozen, batch=2, why="thawed")
    assert held(lake) == {(1, SUMMER): [(3.0, 1)]}


def test_recovery_fences_off_a_frozen_writer_before_it_gives_its_batch_up(lake: Lake) -> None:
    lake.write([row(1.0)], lease=Turn(fence=1), batch=1)
    frozen = Turn(fence=2)
    change = prepared(lake, 2, 2.0, frozen)
    recovery = Turn(fence=3)
    lake.fence_off(recovery)
    assert lake.last_batch() == 1  # batch 2 is not in the log, and now never will be
    with pytest.raises(CommitConflict):
        change.commit(frozen, batch=2, why="thawed")
    version = lake.version
    lake.fence_off(recovery)
    assert lake.version == version  # once is enough


def test_a_conflict_is_worked_out_again_on_the_new_state(lake: Lake) -> None:
    lake.write([row(1.0)], lease=Turn(), batch=1)

    class Disturbed:
        """Frames that can be gone through again; the first time, somebody else commits meanwhile."""

        def __init__(self) -> None:
            self.turns = 0

        def __iter__(self) -> Iterator[pl.DataFrame]:
            self.turns += 1
            if self.turns == 1:
                lake.write([row(2.0)], lease=Turn(), batch=2)
            yield row(2.0)

    frames = Disturbed()
    result = lake.write(frames, lease=Turn(), batch=3)
    assert frames.turns == 2
    assert (result.changed, result.unchanged) == (0, 1)  # against what the other has laid
    assert lake.last_batch() == 3


def test_a_conflict_is_raised_if_frames_can_be_iterated_only_once(lake: Lake) -> None:
    def once() -> Iterator[pl.DataFrame]:
        lake.write([row(1.0)], lease=Turn(), batch=1)
        yield row(2.0)

    with pytest.raises(CommitConflict, match="Run this again"):
        lake.write(once(), lease=Turn(), batch=2)
    assert lake.last_batch() == 1


def test_the_last_batch_outlives_checkpoints_and_upkeep(lake: Lake) -> None:
    for number in range(1, 26):  # a checkpoint is written every 20 commits
        lake.write([row(float(number))], lease=Turn(fence=number), batch=number)
    lake.maintain(lease=Turn(fence=26))
    fresh = Lake(lake.storage)
    assert fresh.last_batch() == 25
    assert fresh._watch.now().last_fence >= 25
    assert held(fresh) == {(1, SUMMER): [(25.0, 1)]}


def test_two_processes_that_make_the_lake_at_once_make_one(lake: Lake) -> None:
    from eclectyc.lake.commit import create_table

    create_table(lake.storage, 1)
    create_table(lake.storage, 1)
    lake.write([row(1.0)], lease=Turn(), batch=1)
    assert held(lake) == {(1, SUMMER): [(1.0, 1)]}


def test_a_lake_that_was_opened_just_now_is_not_opened_again_to_be_written(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.write([row(1.0)], lease=Turn(), batch=1)
    opened = []
    opens = Storage.open
    monkeypatch.setattr(Storage, "open", lambda self, version=None: opened.append(1) or opens(self, version))
    other = Lake(lake.storage)
    assert (other.last_batch(), len(opened)) == (1, 1)
    lake.write([row(2.0)], lease=Turn(), batch=2)  # another writer comes between
    opened.clear()
    other.write([row(3.0)], lease=Turn(), batch=3)
    assert opened == []
    assert held(other) == held(lake) == {(1, SUMMER): [(3.0, 1)]}


@pytest.mark.parametrize("young_s", [-1.0, 10.0])
def test_a_lake_put_in_the_place_of_one_that_was_opened_is_what_is_written_to(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, young_s: float
) -> None:
    """As after a restore beside a server that runs: the other lake's log seems to go on from the one that was."""
    monkeypatch.setattr("eclectyc.lake.snapshot._YOUNG_S", young_s)
    lake.write([frame([(n, JULY, 1440, [1.0], [1]) for n in range(1, 11)])], lease=Turn(), batch=1)
    restored = Lake(Storage.from_url(str(tmp_path / "restored")))
    restored.write([row(5.0, series=11)], lease=Turn(), batch=1)
    restored.write([frame([(11, JULY, 1440, [6.0], [1])])], lease=Turn(), batch=2)
    assert lake.last_batch() == 1
    shutil.rmtree(lake.storage.url)
    shutil.move(restored.storage.url, lake.storage.url)
    result = lake.write([row(7.0, series=11)], lease=Turn(), batch=3)
    assert (result.added, result.changed) == (0, 1)
    assert held(Lake(lake.storage)) == {(11, SUMMER): [(7.0, 1)], (11, JULY): [(6.0, 1)]}
    assert Lake(lake.storage).check(deep=True) == []


def test_a_process_waits_at_its_end_for_a_lake_that_is_being_opened(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon would be cut off while deltalake is at work, which crashes the process."""
    go_on = threading.Event()
    monkeypatch.setattr(Storage, "open_if_there", lambda self: go_on.wait(10) and None)
    lake.open_in_background()
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "open-lake"]
    go_on.set()
    thread.join(10)
    assert not thread.daemon
