"""Calculate a file's SHA-256 in a thread while it is read. Imports next to nothing."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Final

_PIECE: Final = 4 << 20  # [bytes] smaller ones would take Python's lock from the main thread more often


class Digest:
    """The SHA-256 of a file. Starts at once; close it when done, and it stops reading."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sha256: Future[str] = Future()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="digest", daemon=True)
        self._thread.start()

    def sha256(self) -> str:
        """Wait until the whole file is read, and return its digest [hex]; ``OSError`` if it cannot be read."""
        return self._sha256.result()

    def close(self) -> None:
        """Stop reading, and wait for the thread to end."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        digest = hashlib.sha256()
        try:
            if not self._path.is_file():  # opening a named pipe would block
                raise FileNotFoundError(self._path)
            buffer = memoryview(bytearray(_PIECE))
            with self._path.open("rb", buffering=0) as file:
                while size := file.readinto(buffer):
                    if self._stopped.is_set():
                        self._sha256.cancel()
                        return
                    digest.update(buffer[:size])
        except BaseException as error:  # raised for the caller of ``sha256``, whatever it is
            self._sha256.set_exception(error)
        else:
            self._sha256.set_result(digest.hexdigest())
