"""Remove quotation marks before a table is split into cells.

``unquote`` replaces each delimiter, line feed and quotation mark inside a quoted cell by a control character, so that
every delimiter left is a real one and every line left is one record. ``restore`` brings the characters back in a cell.

Text that RFC 4180 calls malformed is read line by line: a quotation mark inside a plain cell is a character (12"); one
that opens a cell and is never closed rejects its own line only.
"""

from __future__ import annotations

import re

import numpy as np

from eclectyc.readers.blocks import LineError

DELIMITER, LINE, QUOTE = b"\x1f", b"\x1e", b"\x1d"
MAX_RECORD_LINES = 50  # lines one record may span

_NEWLINE, _MARK = 10, 34


def unquote(text: bytes, delimiter: bytes, first_line: int) -> tuple[bytes, list[LineError]]:
    """Return the text without quotation marks, and errors for the lines with invalid ones, which are blanked."""
    if b'"' not in text:
        return text, []
    sound = _unquote_whole(text, delimiter)
    return (sound, []) if sound is not None else _unquote_by_line(text, delimiter, first_line)


def has_marks(text: bytes) -> bool:
    """Return whether an unquoted text has control characters for ``restore``."""
    return DELIMITER in text or LINE in text or QUOTE in text


def restore(cell: str, delimiter: str) -> str:
    """Return a cell as it was inside its quotation marks; a line feed becomes a space."""
    return cell.replace("\x1f", delimiter).replace("\x1e", " ").replace("\x1d", '"')


def _unquote_whole(text: bytes, delimiter: bytes) -> bytes | None:
    """Return the text without its marks, or None if invalid; a space before an opening mark is ignored."""
    sound = _unquote_sound(text, delimiter)
    if sound is None and delimiter + b' "' in text:
        sound = _unquote_sound(text.replace(delimiter + b' "', delimiter + b'"'), delimiter)
    return sound


def _unquote_sound(text: bytes, delimiter: bytes) -> bytes | None:
    """Return the text without its marks, or None if a mark is not at the edge of a cell."""
    array = np.frombuffer(text, dtype=np.uint8)
    marks = np.flatnonzero(array == _MARK)
    if len(marks) % 2:
        return None
    opens, closes = marks[0::2], marks[1::2]
    edge = np.zeros(256, dtype=bool)
    edge[[ord(delimiter), _NEWLINE]] = True
    padded = np.concatenate(([_NEWLINE], array, [_NEWLINE]))  # padded[i + 1] is array[i]
    doubled = closes[:-1] + 1 == opens[1:]
    opens_well = edge[padded[opens]]
    opens_well[1:] |= doubled
    closes_well = edge[padded[closes + 2]]
    closes_well[:-1] |= doubled
    if not (opens_well.all() and closes_well.all()):
        return None
    inside = np.bitwise_xor.accumulate((array == _MARK).view(np.uint8)).view(bool)
    out = array.copy()
    out[inside & (array == ord(delimiter))] = DELIMITER[0]
    out[inside & (array == _NEWLINE)] = LINE[0]
    out[opens[1:][doubled]] = QUOTE[0]
    return out[out != _MARK].tobytes()


def _unquote_by_line(text: bytes, delimiter: bytes, first_line: int) -> tuple[bytes, list[LineError]]:
    lines = text.split(b"\n")[:-1]
    done: list[bytes] = []
    errors: list[LineError] = []
    n = 0
    while n < len(lines):
        record, count = _one_record(lines, n, delimiter)
        if record is None:
            errors.append(_never_closed(first_line + n))
        done.append(record or b"")
        n += count
    return b"\n".join(done) + b"\n", errors


def _one_record(lines: list[bytes], n: int, delimiter: bytes) -> tuple[bytes | None, int]:
    """Return the record that starts at line ``n`` (None if its marks are invalid) and its number of lines."""
    line = lines[n]
    if b'"' not in line:
        return line, 1
    sound = _unquote_whole(line, delimiter)
    if sound is not None:
        return sound, 1
    opens_cell = re.search(rb'(^|%s)\s*"' % re.escape(delimiter), line)
    if opens_cell is None:
        return line.replace(b'"', QUOTE), 1  # marks inside plain cells are characters
    if line.count(b'"') % 2:
        for more in range(2, min(MAX_RECORD_LINES, len(lines) - n) + 1):
            joined = _unquote_whole(b"\n".join(lines[n : n + more]), delimiter)
            if joined is not None and joined.count(b"\n") == 0:
                return joined, more
    return None, 1


def _never_closed(line: int) -> LineError:
    return LineError(
        line,
        "",
        "A quotation mark opens a cell and is never closed.",
        'Close it, or double it ("") to mean the mark.',
    )
