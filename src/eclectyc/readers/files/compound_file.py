"""Read the streams of Microsoft's compound files, the containers of old workbooks (.xls) and of protected new ones.

No chain of sectors is followed further than the file is long.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

from eclectyc.readers.blocks import UnreadableFile

MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MOST_BYTES: Final = 128 << 20
_LAST: Final = 0xFFFFFFFA  # sector numbers from here on are not sectors
_IN_HEADER: Final = 109  # sectors of the sector table that the header lists
_ENTRY: Final = 128  # bytes of the directory
_AGAIN: Final = "Save its sheet as CSV or .xlsx and import that."


class CompoundFile:
    """A compound file, loaded into memory."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        if path.stat().st_size > MOST_BYTES:
            raise UnreadableFile(f"{path.name} is too large an .xls workbook.", _AGAIN)
        self._data = path.read_bytes()
        try:
            self._open()
        except (struct.error, IndexError) as error:
            raise self.broken() from error

    def broken(self) -> UnreadableFile:
        """Return the error for a damaged file."""
        return UnreadableFile(f"{self.name} cannot be read: it is cut off or damaged.", _AGAIN)

    def stream(self, name: str) -> bytes | None:
        """Return the bytes of a stream, or None if there is no such stream."""
        if name not in self._streams:
            return None
        first, size = self._streams[name]
        try:
            if size < self._small:
                return self._chain(first, self._short_table, self._root, self._short_size)[:size]
            return self._chain(first, self._table, self._body, self._size)[:size]
        except (struct.error, IndexError) as error:
            raise self.broken() from error

    def _open(self) -> None:
        header = self._data[:512]
        shift, short_shift = struct.unpack_from("<2H", header, 30)
        if not 7 <= shift <= 16 or not 2 <= short_shift <= shift:
            raise self.broken()
        self._size, self._short_size = 1 << shift, 1 << short_shift
        self._body = memoryview(self._data)[self._size :]
        directory, _, self._small, short_first = struct.unpack_from("<4I", header, 48)
        self._table = self._sectors_of_table(header)
        entries = self._chain(directory, self._table, self._body, self._size)
        self._streams: dict[str, tuple[int, int]] = {}
        self._root = b""
        for at in range(0, len(entries) - _ENTRY + 1, _ENTRY):
            length, kind = struct.unpack_from("<HB", entries, at + 64)
            first, size = struct.unpack_from("<2I", entries, at + 116)
            if kind == 5:
                self._root = self._chain(first, self._table, self._body, self._size)
            elif kind == 2:
                name = entries[at : at + max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
                self._streams.setdefault(name, (first, size))
        self._short_table = _numbers(self._chain(short_first, self._table, self._body, self._size))

    def _sectors_of_table(self, header: bytes) -> tuple[int, ...]:
        """Return the sector table: the next sector of each sector."""
        sectors = [n for n in struct.unpack_from(f"<{_IN_HEADER}I", header, 76) if n < _LAST]
        more, count = struct.unpack_from("<2I", header, 68)
        per_sector = self._size // 4 - 1
        for _ in range(min(count, len(self._data) // self._size)):
            if more >= _LAST:
                break
            *numbers, more = struct.unpack_from(f"<{per_sector + 1}I", self._data, (more + 1) * self._size)
            sectors += [n for n in numbers if n < _LAST]
        if len(sectors) > len(self._data) // self._size:
            raise self.broken()
        return _numbers(b"".join(self._data[(n + 1) * self._size : (n + 2) * self._size] for n in sectors))

    def _chain(self, first: int, table: tuple[int, ...], data: bytes | memoryview, size: int) -> bytes:
        pieces: list[bytes | memoryview] = []
        while first < _LAST:
            if len(pieces) * size > len(data):
                raise self.broken()  # a circular chain
            pieces.append(data[first * size : (first + 1) * size])
            first = table[first]
        return b"".join(pieces)


def _numbers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])
