"""Read a file in a thread, a few blocks ahead of the consumer.

Reading needs neither registry nor lake, so a command starts it before it loads either.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import suppress
from pathlib import Path
from typing import Final

from eclectyc.readers.blocks import BlockAndErrors
from eclectyc.readers.checksum import Digest
from eclectyc.readers.open_file import OpenFile, open_file
from eclectyc.readers.reader import ReadOptions

MAX_BLOCKS: Final = 20  # of 8 MiB text each, which become some 12 MB of numbers
_WAIT_S: Final = 0.1  # how often the thread checks, with a full queue, whether it was stopped


class PrefetchingReader:
    """Opens a file at once. Close it when done: it stops reading and removes its temporary files.

    digest : of the same file, if it was started before.
    """

    def __init__(self, path: Path, options: ReadOptions | None = None, digest: Digest | None = None) -> None:
        self._path, self._options = Path(path), options or ReadOptions()
        self._opened: Future[OpenFile] = Future()
        self._blocks: queue.Queue[BlockAndErrors | BaseException | None] = queue.Queue(MAX_BLOCKS)
        self._stopped = threading.Event()
        self._digest = digest or Digest(self._path)
        self._thread = threading.Thread(target=self._run, name="read-file", daemon=True)
        self._thread.start()

    def __enter__(self) -> PrefetchingReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait_for_file(self) -> OpenFile:
        """Wait until the file is recognised, and return it; ``UnreadableFile`` if it is not."""
        return self._opened.result()

    def wait_until_opened(self) -> None:
        """Wait until the file is recognised or refused; ``wait_for_file`` raises the error."""
        wait([self._opened])

    def holds_readings(self) -> bool:
        """Wait until the file is recognised, and return whether it holds readings."""
        self.wait_until_opened()
        return self._opened.exception() is None and self._opened.result().reader.kind == "readings"

    def blocks(self) -> Iterator[BlockAndErrors]:
        """Yield the blocks of a file of readings or reads, once; an error is raised after the blocks before it."""
        while (block := self._blocks.get()) is not None:
            if isinstance(block, BaseException):
                raise block
            yield block

    def sha256(self) -> str:
        """Wait for the file's digest [hex]."""
        return self._digest.sha256()

    def close(self) -> None:
        """Stop reading, and wait for the threads to end."""
        self._stopped.set()
        self._digest.close()
        self._thread.join()

    def _run(self) -> None:
        try:
            with open_file(self._path, self._options) as file:
                self._opened.set_result(file)
                if file.reader.kind not in ("sites", "meters"):
                    self._read(file)
                self._stopped.wait()  # temporary files are needed until the import is done
        except BaseException as error:
            if self._opened.done():
                self._put(error)
            else:
                self._opened.set_exception(error)

    def _read(self, file: OpenFile) -> None:
        blocks = file.reader.read(file.source, file.recognition, self._options)
        for block in blocks:
            if not self._put(block):
                with suppress(AttributeError):  # only generators can be closed
                    blocks.close()  # type: ignore[attr-defined]
                return
        self._put(None)

    def _put(self, block: BlockAndErrors | BaseException | None) -> bool:
        """Queue a block, an error or the end; return False if reading was stopped."""
        while not self._stopped.is_set():
            with suppress(queue.Full):
                self._blocks.put(block, timeout=_WAIT_S)
                return True
        return False
