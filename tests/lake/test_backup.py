"""A version of the lake copied out and in again is the same lake, on a folder and in an object store."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from eclectyc.kernel.errors import EclectycError
from eclectyc.lake.backup import LAST_CHECKPOINT, copy_in, copy_out, pin_version, remove_lake
from eclectyc.lake.files import Storage
from eclectyc.lake.lease import writer_lease
from eclectyc.lake.snapshot import Snapshot
from eclectyc.lake.store import Lake, connect
from tests.serving import free_port

pytestmark = pytest.mark.django_db(transaction=True)
FIRST, LAST = date(2025, 6, 1), date(2025, 8, 1)


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """A store in a process of its own: file handles of deltalake wait for it without letting other threads run."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        for _ in range(200):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        server.terminate()


@pytest.fixture(params=["folder", "object store"])
def lake(request, home) -> Lake:
    if request.param == "object store":
        request.getfixturevalue("s3_lake")
    return connect()


def elsewhere(lake: Lake, tmp_path: Path) -> Storage:
    return Storage.from_url(str(tmp_path / "elsewhere") if lake.storage.is_folder else f"{lake.storage.url}-elsewhere")


def write(lake: Lake, batch: int, values: list[float | None]) -> None:
    """Write one day: each batch tells a day of its own, and all of them tell the first of June."""
    day = FIRST + timedelta(days=batch)
    frame = pl.DataFrame(
        {
            "series": [7, 7],
            "day": [FIRST, day],
            "step": [30, 30],
            "values": [values * 24, [float(batch)] * 48],
            "quality": [[1, 1] * 24, [1] * 48],
        }
    )
    with writer_lease("test") as lease:
        lake.write([frame], lease=lease, batch=batch)


def all_days(lake: Lake, known_at: int | None = None) -> pl.DataFrame:
    return lake.days(None, FIRST, LAST, values=True, known_at=known_at)


@pytest.mark.parametrize("commits", [3, 23])  # before and after the log's first checkpoint
def test_a_copied_lake_has_the_same_days_history_and_numbers(lake, tmp_path, commits):
    for batch in range(1, commits + 1):
        write(lake, batch, [float(batch), 0.5])
    held = pin_version(lake.storage)
    assert (LAST_CHECKPOINT in held.log) == (commits > 20)
    before, earlier = all_days(lake), all_days(lake, known_at=2)
    write(lake, commits + 1, [99.0, 99.0])  # what comes after it was taken in hand is not in the copy

    copy_out(held, tmp_path / "copy")
    target = elsewhere(lake, tmp_path)
    copy_in(tmp_path / "copy", target)
    other = Lake(target, buckets=1)
    assert_frame_equal(all_days(other), before)
    assert_frame_equal(all_days(other, known_at=2), earlier)
    assert other.check(deep=True) == []
    assert (other.version, other.last_batch()) == (held.version, commits)
    assert (
        Snapshot.from_table(target.open()).last_fence == Snapshot.from_table(lake.storage.open(held.version)).last_fence
    )


def test_a_copy_survives_upkeep_between_taking_in_hand_and_copying(lake, tmp_path):
    for batch in range(1, 5):
        write(lake, batch, [1.0, 2.0])
    held = pin_version(lake.storage)
    before = all_days(lake)
    with writer_lease("test") as lease:
        lake.maintain(lease=lease)
    copy_out(held, tmp_path / "copy")
    target = elsewhere(lake, tmp_path)
    copy_in(tmp_path / "copy", target)
    assert_frame_equal(all_days(Lake(target, buckets=1)), before)


def test_a_copy_goes_only_where_there_is_no_lake_and_a_removed_lake_is_none(lake, tmp_path):
    write(lake, 1, [1.0, 2.0])
    copy_out(pin_version(lake.storage), tmp_path / "copy")
    with pytest.raises(EclectycError, match="There is already a lake at"):
        copy_in(tmp_path / "copy", lake.storage)
    remove_lake(lake.storage)
    assert not lake.storage.has_table()
    copy_in(tmp_path / "copy", lake.storage)
    assert Lake(lake.storage, buckets=1).last_batch() == 1


def test_a_lake_that_is_not_there_is_copied_as_nothing(lake, tmp_path):
    held = pin_version(lake.storage)
    assert (held.version, held.files, held.log) == (-1, {}, {})
    copy_out(held, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
