"""A writer killed at any point leaves all of its batch or none, and the next one works."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from eclectyc.lake.store import Lake
from tests.forked import Forked
from tests.lake.rows import FIRST, LAST, Turn
from tests.lake.writer import DAYS, SERIES, frames

BEFORE_COMMIT = ("lake.before_files", "lake.between_files", "lake.after_files", "lake.before_commit")


def start(lake: Lake, batch: int, value: float, failpoint: str = "") -> Forked:
    environment = os.environ | {"ECLECTYC_FAILPOINT": failpoint}
    command = [sys.executable, "-m", "tests.lake.writer", lake.storage.url, str(batch), str(value)]
    return Forked(command, env=environment, stderr=subprocess.PIPE)


def values(lake: Lake) -> set[float]:
    """The values that the lake holds, each slot of each day being there."""
    rows = lake.days(None, FIRST, LAST, values=True)
    assert rows.height in {0, SERIES * len(DAYS)}
    assert rows["present"].eq(24).all()
    return set(rows["values"].explode())


def parquet_files(lake: Lake) -> set[str]:
    return {str(p.relative_to(lake.storage.url)) for p in Path(lake.storage.url).rglob("layer=*/**/*.parquet*")}


def check_the_next_write_works_and_nothing_is_left(lake: Lake, batch: int) -> None:
    turn = Turn(fence=batch)
    lake.write(frames(7.0), lease=turn, batch=batch)
    assert values(lake) == {7.0}
    lake.maintain(lease=turn, keep=timedelta(0), keep_temporary=timedelta(0), may_shorten=True)
    assert parquet_files(lake) == set(lake._watch.now().files["path"])
    assert not list(Path(lake.storage.url, "_staging").glob("*"))
    assert lake.check(deep=True) == []


@pytest.mark.parametrize("failpoint", [*BEFORE_COMMIT, "lake.after_commit"])
@pytest.mark.parametrize("value", [2.0, 0.0])
def test_a_writer_killed_at_a_failpoint_leaves_all_or_nothing(lake: Lake, failpoint: str, value: float) -> None:
    lake.write(frames(1.0), lease=Turn(), batch=1)
    lake.write(frames(1.5), lease=Turn(), batch=2)
    process = start(lake, 3, value, failpoint)
    _, words = process.communicate()
    assert process.returncode == -signal.SIGKILL, words
    if failpoint in BEFORE_COMMIT:
        assert (values(lake), lake.last_batch()) == ({1.5}, 2)
    else:
        assert (values(lake), lake.last_batch()) == ({value or 1.0}, 3)
    check_the_next_write_works_and_nothing_is_left(lake, 4)


def test_a_writer_killed_at_any_moment_leaves_all_or_nothing(lake: Lake) -> None:
    chance = random.Random(7)
    lake.write(frames(1.0), lease=Turn(), batch=1)
    began = time.monotonic()
    first = start(lake, 2, 2.0)
    first.communicate()
    assert first.returncode == 0
    whole_s = time.monotonic() - began
    held, batch = 2.0, 3
    for n in range(12):
        value = 10.0 + n
        process = start(lake, batch, value)
        time.sleep(whole_s * (0.5 + 0.5 * chance.random()))
        process.kill()
        process.communicate()
        held = value if lake.last_batch() == batch else held
        assert values(lake) == {held}
        batch += 1
    check_the_next_write_works_and_nothing_is_left(lake, batch)
