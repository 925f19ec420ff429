"""Decode bytes to UTF-8 text with line feeds.

Encodings: UTF-8 with and without byte-order mark, UTF-16 (with mark, or recognised by its zero bytes), Windows-1252.
A line that is not UTF-8 is read as Windows-1252, so that a file joined from both is read correctly; a line that is
neither is blanked and rejected. A file with other zero bytes is refused.
"""

from __future__ import annotations

import codecs

from eclectyc.readers.blocks import LineError, UnreadableFile

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = (b"\x1d", b"\x1e", b"\x1f")  # used for quoted delimiters, line feeds and quotes later
_LOST = "\ufffd".encode()


def encoding_of(start: bytes, name: str) -> tuple[str, int]:
    """Return the encoding and the length of the byte-order mark, by the first bytes."""
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding, len(mark)
    sample = start[:4096]
    if b"\0" not in sample:
        return "utf-8", 0
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    most = 0.7 * (len(sample) // 2)  # tables are mostly of characters whose upper byte is zero
    if odd > most and even * 10 < odd:
        return "utf-16-le", 0
    if even > most and odd * 10 < even:
        return "utf-16-be", 0
    raise _binary(name)


def _binary(name: str) -> UnreadableFile:
    return UnreadableFile(
        f"{name} is not a text file: it contains zero bytes.", "Save it as CSV (.csv or .csv.gz) and import that."
    )


class Decoder:
    """Decodes the chunks of one file, then cleans the blocks cut from the text."""

    def __init__(self, encoding: tuple[str, int], name: str) -> None:
        self.encoding, self._skip = encoding
        self._name = name
        self._wide = None if self.encoding == "utf-8" else codecs.getincrementaldecoder(self.encoding)("replace")
        self._return_pending = False

    def feed(self, chunk: bytes, *, last: bool) -> bytes:
        """Return a chunk as text with line feeds; refuse zero bytes."""
        if self._skip:
            chunk, self._skip = chunk[self._skip :], 0
        if self._wide is not None:
            chunk = self._wide.decode(chunk, last).encode("utf-8", "replace")
        if b"\0" in chunk:
            raise _binary(self._name)
        if self._return_pending:
            chunk, self._return_pending = b"\r" + chunk, False
        if chunk.endswith(b"\r") and not last:
            chunk, self._return_pending = chunk[:-1], True
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk.rstrip(b"\x1a") if last else chunk

    def clean(self, text: bytes, first_line: int) -> tuple[bytes, list[LineError]]:
        """Return whole lines as valid UTF-8; those that are not text are blanked, with an error."""
        if text.isascii() and not any(control in text for control in _CONTROLS):
            return text, []
        if codecs.BOM_UTF8 in text:  # joined files have one in the middle
            text = text.removeprefix(codecs.BOM_UTF8).replace(b"\n" + codecs.BOM_UTF8, b"\n")
        if _is_utf8(text) and _LOST not in text and not any(control in text for control in _CONTROLS):
            return text, []
        lines = text.split(b"\n")
        errors = []
        for n, line in enumerate(lines):
            if line.isascii() and not any(control in line for control in _CONTROLS):
                continue
            fixed = _line_as_utf8(line)
            lines[n] = fixed or b""
            if fixed is None:
                errors.append(_undecodable(first_line + n))
        return b"\n".join(lines), errors


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _line_as_utf8(line: bytes) -> bytes | None:
    if _LOST in line or any(control in line for control in _CONTROLS):
        return None
    if _is_utf8(line):
        return line
    try:
        return line.decode("windows-1252").encode()
    except UnicodeDecodeError:
        return None


def _undecodable(line: int) -> LineError:
    return LineError(
        line,
        "",
        "The line has bytes that are neither UTF-8 nor Windows-1252 text, or control characters.",
        "Save the file as UTF-8 and import it again.",
    )
