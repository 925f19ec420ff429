"""Read a ZIP archive, as workbooks are, part by part; its limits are checked before anything is unpacked.

Nothing is ever written to disk under a name from the archive.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from eclectyc.readers.blocks import UnreadableFile

MAGIC: Final = b"PK\x03\x04"
MOST_BYTES: Final = 1 << 30  # unpacked, all parts together
MOST_RATIO: Final = 200  # unpacked against packed size; a year of zeros packs 80 times …
RATIO_FROM_BYTES: Final = 64 << 20  # … checked from this size
MOST_PARTS: Final = 10_000
MOST_DIRECTORY_BYTES: Final = 2 << 20
PIECE_BYTES: Final = 1 << 18
_END: Final = b"PK\x05\x06"
_PLAIN: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


class Archive:
    """An open archive. ``UnreadableFile`` if it is broken, protected, or larger than any workbook."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        _check_directory(path)
        with self._reading():
            self._zip = zipfile.ZipFile(path)
        self._parts = {info.filename: info for info in self._zip.infolist()}
        try:
            self._check()
        except UnreadableFile:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def __contains__(self, part: str) -> bool:
        return part in self._parts

    def pieces(self, part: str) -> Generator[bytes, None, None]:
        """Yield a part's bytes in pieces."""
        if part not in self._parts:
            raise UnreadableFile(f"{self.name} is incomplete: {part} is missing.", _AGAIN)
        with self._reading(), self._zip.open(self._parts[part]) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece

    def size(self, part: str) -> int:
        """Return the unpacked size of a part [bytes]."""
        return self._parts[part].file_size

    def _check(self) -> None:
        infos = list(self._parts.values())
        unpacked, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
        if len(infos) > MOST_PARTS or unpacked > MOST_BYTES:
            raise _too_large(self.name)
        if unpacked > RATIO_FROM_BYTES and unpacked > MOST_RATIO * max(packed, 1):
            raise UnreadableFile(
                f"{self.name} unpacks to more than {MOST_RATIO} times its size; no meter data do.",
                "Save its sheet as CSV and import that.",
            )
        if any(info.flag_bits & 1 for info in infos):
            raise password_protected(self.name)
        if any(info.compress_type not in _PLAIN for info in infos):
            raise UnreadableFile(f"{self.name} is packed in a way that workbooks are not.", _AGAIN)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except _BROKEN as error:
            raise UnreadableFile(f"{self.name} cannot be read: {error or 'it is cut off'}.", _AGAIN) from None


_AGAIN: Final = "Fetch it again, or save its sheet as CSV and import that."


def password_protected(name: str) -> UnreadableFile:
    return UnreadableFile(f"{name} is protected by a password.", "Save it without the password and import that.")


def _too_large(name: str) -> UnreadableFile:
    return UnreadableFile(f"{name} is too large a workbook.", "Save its sheet as CSV, which may have any size.")


def _check_directory(path: Path) -> None:
    """Refuse an archive whose list of parts is longer than any workbook's, before reading it."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - (1 << 16) - 22, 0))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise UnreadableFile(f"{path.name} cannot be read: it is cut off, or not a workbook.", _AGAIN)
    if int.from_bytes(tail[at + 12 : at + 16], "little") > MOST_DIRECTORY_BYTES:
        raise _too_large(path.name)
