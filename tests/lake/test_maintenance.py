"""Upkeep leaves few files and the same readings, and takes nothing from those who still read."""

from __future__ import annotations

import os
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from eclectyc.kernel.errors import Invalid
from eclectyc.lake.store import Lake
from tests.lake.rows import Turn, frame, held

SUMMER = date(2025, 6, 1)


def fill(lake: Lake, batches: int = 12) -> None:
    """Several batches of one month, most of which correct days of others."""
    for number in range(1, batches + 1):
        rows = [(s, SUMMER + timedelta(days=s + number), 1440, [float(number)], [1]) for s in range(1, 5)]
        rows.append((9, SUMMER, 1440, [float(number)], [1]))
        lake.write([frame(rows)], lease=Turn(), batch=number)


def test_small_files_become_one_and_every_question_is_answered_as_before(lake: Lake) -> None:
    fill(lake)
    before = [held(lake, known_at=n) for n in range(13)]
    report = lake.maintain(lease=Turn())
    files = lake._watch.now().files
    assert sorted(files["layer"]) == ["claim", "day"]
    assert report.merged > report.into == 1
    assert [held(lake, known_at=n) for n in range(13)] == before
    assert lake.last_batch() == 12
    assert lake.check(deep=True) == []
    again = lake.maintain(lease=Turn())
    assert (again.merged, again.into) == (0, 0)


def test_files_that_a_reader_or_backup_may_need_are_kept(lake: Lake) -> None:
    fill(lake)
    before = set(Path(lake.storage.url).rglob("layer=*/**/*.parquet"))
    report = lake.maintain(lease=Turn())
    assert report.vacuumed == 0
    assert before <= set(Path(lake.storage.url).rglob("layer=*/**/*.parquet"))
    with pytest.raises(Invalid, match="kept 7 days"):
        lake.maintain(lease=Turn(), keep=timedelta(0))


def test_what_killed_writers_left_goes_once_it_is_old(lake: Lake) -> None:
    fill(lake)
    root = Path(lake.storage.url)
    month = root / "layer=day/month=2025-06/bucket=0"
    young = [month / "orphan.parquet", month / "orphan.parquet#1", root / "_staging" / "young"]
    old = [month / "old.parquet", month / "old.parquet#1", root / "_staging" / "old"]
    eight_days_ago = time.time() - 8 * 24 * 3600
    for path in young + old:
        if path.parent.name == "_staging":
            path.mkdir(parents=True)
        else:
            path.write_bytes(b"half")
        if path in old:
            os.utime(path, (eight_days_ago, eight_days_ago))
    report = lake.maintain(lease=Turn())
    assert [path.exists() for path in young] == [True] * 3
    assert [path.exists() for path in old] == [False] * 3
    assert (report.vacuumed, report.swept) == (1, 2)


def test_nothing_is_done_where_there_is_no_lake(lake: Lake) -> None:
    assert lake.maintain(lease=Turn()).version == -1
    assert not Path(lake.storage.url).exists()


def test_a_missing_or_cut_file_is_found(lake: Lake) -> None:
    fill(lake, 2)
    path = Path(lake.storage.url, lake._watch.now().files["path"][0])
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert lake.check() == [
        f"The file {path.relative_to(lake.storage.url)} has {len(content) - 1} bytes, not {len(content)}."
    ]
    path.unlink()
    assert lake.check() == [f"The file {path.relative_to(lake.storage.url)} is missing."]
