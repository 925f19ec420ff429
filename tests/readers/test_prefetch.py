"""A file read ahead by a thread: in order, bounded, with the reader's own errors, and ended on demand."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from eclectyc.readers import prefetch
from eclectyc.readers.blocks import RecordBlock, UnreadableFile
from eclectyc.readers.checksum import Digest
from eclectyc.readers.files.source import Source
from eclectyc.readers.open_file import OpenFile
from eclectyc.readers.prefetch import PrefetchingReader
from eclectyc.readers.reader import ReadOptions

DAILY = "mpan,datetime,kwh\n" + "".join(f"1200023305967,2025-06-{day:02d} 00:00,{day}\n" for day in range(1, 29))


class Counting:
    """A reader that yields numbered blocks, and raises after ``most`` of them if asked to."""

    kind = "readings"

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self.read_so_far = 0

    def read(self, *_: object) -> Iterator[tuple[RecordBlock, list]]:
        while self.most is None or self.read_so_far < self.most:
            self.read_so_far += 1
            yield RecordBlock(pl.DataFrame({"line": [self.read_so_far]})), []
        raise UnreadableFile("It broke off.", "Fetch it again.")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "daily.csv"
    path.write_text(DAILY)
    return path


def put_in(monkeypatch: pytest.MonkeyPatch, reader: Counting) -> None:
    real = prefetch.open_file

    @contextmanager
    def opened(path: Path, options: ReadOptions) -> Iterator[OpenFile]:
        with real(path, options) as file:
            yield replace(file, reader=reader)

    monkeypatch.setattr(prefetch, "open_file", opened)


def reading_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "read-file"]


def test_the_blocks_hold_every_line_of_the_file_in_order(file: Path) -> None:
    with PrefetchingReader(file) as begun:
        lines = [line for block, errors in begun.blocks() for line in block.frame["line"].to_list() if not errors]
        assert begun.wait_for_file().recognition.format == "daily"
    assert lines == list(range(2, 30))


def test_what_is_no_table_is_refused_when_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_bytes(b"")
    with PrefetchingReader(path) as begun, pytest.raises(UnreadableFile, match="is empty"):
        begun.wait_for_file()


def test_an_error_on_the_way_comes_after_the_blocks_before_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in(monkeypatch, Counting(most=3))
    with PrefetchingReader(file) as begun:
        blocks = begun.blocks()
        assert [next(blocks)[0].frame["line"].item() for _ in range(3)] == [1, 2, 3]
        with pytest.raises(UnreadableFile, match="broke off"):
            next(blocks)


def test_no_more_is_read_ahead_than_the_bound(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Counting()
    put_in(monkeypatch, reader)
    with PrefetchingReader(file) as begun:
        begun.wait_for_file()
        deadline = time.monotonic() + 10
        while reader.read_so_far <= prefetch.MAX_BLOCKS and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)  # long enough for hundreds more, if nothing held it back
        assert reader.read_so_far == prefetch.MAX_BLOCKS + 1  # one waits for room


def test_closing_ends_the_thread_however_much_is_left(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in(monkeypatch, Counting())
    begun = PrefetchingReader(file)
    begun.wait_for_file()
    assert reading_threads()
    begun.close()
    assert not reading_threads()


def test_a_workbook_is_unpacked_until_it_is_closed_and_no_longer(tmp_path: Path) -> None:
    import xlsxwriter

    path = tmp_path / "daily.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row, line in enumerate(DAILY.splitlines()):
            sheet.write_row(row, 0, line.split(","))
    with PrefetchingReader(path) as begun:
        source: Source = begun.wait_for_file().source
        assert len(list(begun.blocks())) == 1
        assert source.path.exists()
    assert not source.path.exists() or source.path == path


def test_the_digest_is_the_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"x" * 3_000_000)
    assert Digest(path).sha256() == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_a_named_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with PrefetchingReader(tmp_path / "pipe") as file, pytest.raises(UnreadableFile):
        file.wait_for_file()


@pytest.mark.parametrize("fault", [OSError("gone"), MemoryError()])
def test_whoever_waits_for_a_digest_is_told_whatever_goes_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    def broken(self: Path, mode: str, **_: object) -> object:
        raise fault

    (tmp_path / "a.csv").touch()
    monkeypatch.setattr(Path, "open", broken)
    digest = Digest(tmp_path / "a.csv")
    with pytest.raises(type(fault)):
        digest._sha256.result(timeout=10)
    digest.close()
