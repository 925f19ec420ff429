"""A file's bytes as lines of text, and lines as cells, the plain way."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib

DELIMITERS = ",;\t|"
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
          (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip
_MARKED = "\x1d\x1e\x1f"
LOST = "\ufffd"


class NoText(Exception):
    """These bytes are no text of which any line may be stored."""


class Unclear(Exception):
    """What these bytes say is more than a plain reader can tell."""


def lines_of(content: bytes) -> list[str]:
    """Return the lines; one that cannot be decoded, or holds control characters that are never printed, is LOST."""
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise NoText from error
    encoding = next(((name, len(mark)) for mark, name in _MARKS if content.startswith(mark)), None)
    if encoding is None and b"\0" in content:
        encoding = _wide(content)
    if encoding is not None and encoding[0] != "utf-8":
        text = content[encoding[1] :].decode(encoding[0], "replace")
    else:
        raw = content[encoding[1] :] if encoding else content
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        text = "\n".join(_line(line) for line in raw.split(b"\n"))
    if "\0" in text:
        raise NoText
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return [
        LOST if "\ufffd" in line or any(mark in line for mark in _MARKED) else line.removeprefix("\ufeff")
        for line in text.rstrip("\x1a").split("\n")
    ]


def _wide(content: bytes) -> tuple[str, int] | None:
    even, odd = content[0:4096:2].count(0), content[1:4096:2].count(0)
    return ("utf-16-le", 0) if odd > even else ("utf-16-be", 0)


def _line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        try:
            return line.decode("windows-1252")
        except UnicodeDecodeError:
            return LOST


def cells_of(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line."""
    if '"' not in line:
        return line.split(delimiter)
    rows = list(csv.reader(io.StringIO(line), delimiter=delimiter, skipinitialspace=True))
    return rows[0] if len(rows) == 1 else []


def table_of(lines: list[str], delimiter: str) -> list[tuple[int, list[str]]]:
    """Return the records of a table with their line numbers. ``Unclear`` where quotation marks are not plain."""
    if any('"' in line for line in lines):
        _refuse_odd_quotes(lines, delimiter)
    return [(number, cells_of(line, delimiter)) for number, line in enumerate(lines, 1) if line.strip()]


def _refuse_odd_quotes(lines: list[str], delimiter: str) -> None:
    mark = re.escape(delimiter)
    sound = re.compile(rf'(?: *"[^"]*"|[^"{mark}]*)(?:{mark}(?: *"[^"]*"|[^"{mark}]*))*')
    if any('"' in line and not sound.fullmatch(line) for line in lines):
        raise Unclear("quotation marks")
