"""A file opened, recognised and read a little ahead by a thread, while whoever takes its blocks is still busy.

Reading knows neither registry nor lake, so a command begins it before it has loaded either.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import suppress
from pathlib import Path
from typing import Final

from eclectyc.readers.blocks import Block, LineError, ReadOptions
from eclectyc.readers.checksum import Digest
from eclectyc.readers.open_file import OpenFile, open_file

MAX_BLOCKS: Final = 20  # of 8 MiB text each, which become some 12 MB of numbers
_WAIT_S: Final = 0.1  # how often a full queue looks whether anybody still wants it

Told = tuple[Block, list[LineError]]


class PrefetchingReader:
    """Opens a file at once. Close it when done: it then reads no further and removes what it unpacked.

    digest : of the same file, where that was begun before.
    """

    def __init__(self, path: Path, options: ReadOptions | None = None, digest: Digest | None = None) -> None:
        self._path, self._options = Path(path), options or ReadOptions()
        self._opened: Future[OpenFile] = Future()
        self._blocks: queue.Queue[Told | BaseException | None] = queue.Queue(MAX_BLOCKS)
        self._stopped = threading.Event()
        self._digest = digest or Digest(self._path)
        self._thread = threading.Thread(target=self._run, name="read-file", daemon=True)
        self._thread.start()

    def __enter__(self) -> PrefetchingReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait_for_file(self) -> OpenFile:
        """Wait until the file is recognised. Raises ``UnreadableFile`` where it is not."""
        return self._opened.result()

    def wait_until_opened(self) -> None:
        """Wait until it is known whether the file can be read; whoever asks for it is told."""
        wait([self._opened])

    def holds_readings(self) -> bool:
        """Wait until the file is recognised, and say whether it is one of readings."""
        self.wait_until_opened()
        return self._opened.exception() is None and self._opened.result().reader.kind == "readings"

    def blocks(self) -> Iterator[Told]:
        """Yield the blocks of a file of readings or reads, once; what its reader raises comes in its place."""
        while (told := self._blocks.get()) is not None:
            if isinstance(told, BaseException):
                raise told
            yield told

    def sha256(self) -> str:
        """Wait until the file's digest is known, and return it."""
        return self._digest.sha256()

    def close(self) -> None:
        """Stop reading, and wait until the threads have gone."""
        self._stopped.set()
        self._digest.close()
        self._thread.join()

    def _run(self) -> None:
        try:
            with open_file(self._path, self._options) as file:
                self._opened.set_result(file)
                if file.reader.kind not in ("sites", "meters"):
                    self._read(file)
                self._stopped.wait()  # what was unpacked is needed until the import is done
        except BaseException as error:
            if self._opened.done():
                self._put(error)
            else:
                self._opened.set_exception(error)

    def _read(self, file: OpenFile) -> None:
        blocks = file.reader.read(file.source, file.recognition, self._options)
        for told in blocks:
            if not self._put(told):
                with suppress(AttributeError):  # an iterator that is no generator has nothing to close
                    blocks.close()  # type: ignore[attr-defined]
                return
        self._put(None)

    def _put(self, told: Told | BaseException | None) -> bool:
        """Hand something on; say False where nobody wants it any more."""
        while not self._stopped.is_set():
            with suppress(queue.Full):
                self._blocks.put(told, timeout=_WAIT_S)
                return True
        return False
