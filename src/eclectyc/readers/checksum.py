"""What tells a file again: its SHA-256, worked out by a thread while the file is read. Loads next to nothing."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Final

_PIECE: Final = 4 << 20  # [bytes] smaller ones would take Python's lock from the main thread more often


class Digest:
    """Begins at once. Close it when done: it then reads no further."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sha256: Future[str] = Future()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="digest", daemon=True)
        self._thread.start()

    def sha256(self) -> str:
        """Wait until the whole file is read, and return its digest [hex]. Raises ``OSError`` where it cannot be."""
        return self._sha256.result()

    def close(self) -> None:
        """Stop reading, and wait until the thread has gone."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        digest = hashlib.sha256()
        try:
            if not self._path.is_file():  # a named pipe would keep whoever opens it waiting
                raise FileNotFoundError(self._path)
            room = memoryview(bytearray(_PIECE))
            with self._path.open("rb", buffering=0) as file:
                while size := file.readinto(room):
                    if self._stopped.is_set():
                        self._sha256.cancel()
                        return
                    digest.update(room[:size])
        except BaseException as error:  # whoever waits for it is told, whatever it is
            self._sha256.set_exception(error)
        else:
            self._sha256.set_result(digest.hexdigest())
