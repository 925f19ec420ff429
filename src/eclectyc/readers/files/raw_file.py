"""Read the bytes of a file, unpacked if it is gzip; refuse archives, workbooks and pictures by name."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from eclectyc.readers.blocks import UnreadableFile

MAX_RATIO = 200  # a file that unpacks to more than this many times its size (a year of zeros: 80) is refused …
RATIO_FROM_BYTES = 64 << 20  # … once this much is unpacked

_EDGE: Final = 1 << 16  # [bytes] at the end of a read that are searched for its last line feed

_GZIP = b"\x1f\x8b"
_NAMED: Final = (
    (b"PK\x03\x04", "an .xlsx workbook, an .ods sheet or a ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"\x7fELF", "a program"),
    (b"{\\rtf", "a word-processor document (RTF)"),
)


class RawFile:
    """An open file. ``position`` counts the bytes read from disk, before unpacking."""

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("rb")
        self._name = path.name
        self._out = 0
        start = self._file.read(2)
        self._file.seek(0)
        self._packed = start == _GZIP
        self._stream: IO[bytes] = gzip.GzipFile(fileobj=self._file) if self._packed else self._file  # type: ignore[assignment]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        return self._file.tell()

    def read_lines(self, size: int) -> bytes:
        """Return up to ``size`` bytes, none only at the end of the file; up to a line feed, if one is near the end.

        Whole lines need not be joined with the rest of the read before, which would copy every byte twice.
        """
        if self._packed or size <= _EDGE:
            return self.read(size)
        edge = os.pread(self._file.fileno(), _EDGE, self._file.tell() + size - _EDGE)
        last = edge.rfind(b"\n") if len(edge) == _EDGE else -1
        return self.read(size if last < 0 else size - _EDGE + last + 1)

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, fewer only at the end of the file."""
        try:
            data = self._stream.read(size)
        except EOFError:
            raise UnreadableFile(
                f"{self._name} is cut off: its gzip data end in the middle.", "Fetch the file again."
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise UnreadableFile(
                f"{self._name} is not valid gzip data: {error}.", "Fetch the file again, or unpack it first."
            ) from None
        if not self._out:
            self._refuse_by_name(data)
        self._out += len(data)
        if self._packed and self._out > RATIO_FROM_BYTES and self._out > MAX_RATIO * self.position:
            raise UnreadableFile(
                f"{self._name} unpacks to more than {MAX_RATIO} times its size; no meter data do.",
                "If that is intended, unpack the file first.",
            )
        return data

    def _refuse_by_name(self, data: bytes) -> None:
        found = next((what for magic, what in _NAMED if data.startswith(magic)), "")
        if data.startswith(_GZIP):
            found = "gzip data inside gzip data"
        if found:
            raise UnreadableFile(
                f"{self._name} is {found}, not a text table.", "Save it as CSV (.csv or .csv.gz) and import that."
            )
