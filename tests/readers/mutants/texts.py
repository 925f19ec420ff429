"""How a text of lines and cells is damaged: what senders, spreadsheets, mail programs and enemies do to it.

A *damage* takes hypothesis's ``draw`` and the bytes, and returns other bytes. Each draws few, small numbers, so that a
falsifying example shrinks to one plain change.
"""

from __future__ import annotations

import codecs
import gzip
import re
from collections.abc import Callable

from hypothesis import strategies as st

Draw = Callable[..., object]
Damage = Callable[[Callable, bytes], bytes]

NUMBERS = (
    "1e308", "1" + "0" * 400, "1e400", "1e-400", "NaN", "nan", "inf", "-inf", "Infinity", "-0", "0", "0x1F", "1_000",
    "1,234", "1,234.5", "1.234,5", "1,23", "12,345,678", "٣", "½", "1e12", "1.0000001e12", "-1", "+1", "1.", ".5",
    "1e3",
    "1E3", "TRUE", "#N/A", "#DIV/0!", "-", "–", "", " ", "=1+1", "=cmd|' /C calc'!A0", "@SUM(1)", "5'", '"5"', "5 kWh",
    "12%", "1 234", "1'234", "1\u00a0234", "--5", "5-", "(5)", "5E", "e5", "1.5.5", "0.1e", "00012", "16777.215",
    "999999",
)  # fmt: skip
MOMENTS = (
    "0001-01-01", "9999-12-31", "31/02/2024", "29/02/2023", "29/02/2024", "30/03/2025", "31/03/2013", "28/10/2012",
    "31/03/2013 01:30", "28/10/2012 01:30", "2013-03-31 01:30", "24:00", "23:59:60", "25:00", "00:00", "00:15",
    "02/13/2024",
    "2024-01-01T00:00:00Z", "2024-01-01T00:00:00+01:00", "2024-01-01 00:00 GMT", "13/13/2024", "1/1/24", "45000",
    "45000.5",
    "20240101", "202401012400", "20240101000000", "2024-01-01 24:00", "Jan-24", "1969-12-31", "2101-01-01", "12:30 PM",
    "2024-1-1", "0", "99999", "-1", "2024-01-01T00:00:00.500", "1 Jan 2024", "01.01.2024", "2024/01/01 0030",
    "31/12/1969 23:30", "2100-12-31 23:30",
)  # fmt: skip
WORDS = (
    "a", "A", "e", "E", "Estimated", "X", "N", "V", "W", "D", "AI", "AE", "RE", "RI", "kW", "Wh", "MWh", "kvarh",
    "m3", "gal",
    "kWh ", "../../etc/passwd", "C:\\x", "\u202e", "1.20E+12", "1200023305967.0", "'1200023305967", "12 0002 3305 967",
    "000000001200023305967", "1000000000040", "<x>", "&lt;", '"', '""', 'a"b', "A;B", "A,B", "A|B", "A\tB",
    "x" * 5000, "None",
    "null", "Total", "MPAN", "É", "\ufffd", "\x1d", "\x1f", "\x85", "\u2028", "\x0b",
)  # fmt: skip
_BYTES = (b"\0", b"\xff", b"\xfe", b"\x80", b"\x9d", b"\r", b"\n", b"\n\n", b'"', b",", b";", b"\t", b"|", b"\x1a",
    b"\x1f",
          b"\xef\xbb\xbf", b"\xff\xfe", b"=", b"'", b"-", b"0", b"9", b"\xc2", b"\xed\xa0\x80", b" ")  # fmt: skip


def count(draw: Callable, most: int) -> int:
    """Draw a number from 0 up to ``most``, that excluded."""
    return draw(st.integers(0, max(most - 1, 0)))


def which_line(draw: Callable, lines: list[bytes]) -> int:
    """Draw a line, often one of the first or the last."""
    if draw(st.booleans()):
        return count(draw, len(lines))
    return count(draw, min(len(lines), 4)) if draw(st.booleans()) else len(lines) - 1 - count(draw, min(len(lines), 4))


def delimiter_of(content: bytes) -> bytes:
    """Return what most plainly separates cells."""
    return max((b",", b"|", b";", b"\t"), key=content.count)


def _split(content: bytes) -> tuple[list[bytes], bytes]:
    end = b"\r\n" if b"\r\n" in content else b"\n"
    return content.split(end), end


def _of_lines(change: Callable[[Callable, list[bytes]], list[bytes]]) -> Damage:
    def damage(draw: Callable, content: bytes) -> bytes:
        lines, end = _split(content)
        return end.join(change(draw, lines))

    damage.__name__ = change.__name__
    return damage


@_of_lines
def drop_lines(draw: Callable, lines: list[bytes]) -> list[bytes]:
    at = which_line(draw, lines)
    return lines[:at] + lines[at + 1 + count(draw, 3) :]


@_of_lines
def repeat_lines(draw: Callable, lines: list[bytes]) -> list[bytes]:
    at, size, to = which_line(draw, lines), 1 + count(draw, 3), which_line(draw, lines)
    return lines[:to] + lines[at : at + size] + lines[to:]


@_of_lines
def swap_lines(draw: Callable, lines: list[bytes]) -> list[bytes]:
    one, other = which_line(draw, lines), which_line(draw, lines)
    lines[one], lines[other] = lines[other], lines[one]
    return lines


@_of_lines
def turn_round(draw: Callable, lines: list[bytes]) -> list[bytes]:
    first = count(draw, 2)
    return lines[:first] + lines[first:][::-1]


@_of_lines
def join_lines(draw: Callable, lines: list[bytes]) -> list[bytes]:
    at = which_line(draw, lines)
    return [*lines[:at], b"".join(lines[at : at + 2]), *lines[at + 2 :]]


@_of_lines
def add_line(draw: Callable, lines: list[bytes]) -> list[bytes]:
    words = [word.encode("utf-8", "replace") for word in (*WORDS, *MOMENTS, *NUMBERS[:12])]
    at, word = which_line(draw, lines), words[count(draw, len(words))]
    size = count(draw, 6)
    return [*lines[:at], b",".join([word] * size), *lines[at:]]


def _of_cell(change: Callable[[Callable, bytes], bytes]) -> Damage:
    @_of_lines
    def damage(draw: Callable, lines: list[bytes]) -> list[bytes]:
        mark = delimiter_of(b"\n".join(lines[:20]))
        at = which_line(draw, lines)
        cells = lines[at].split(mark)
        n = count(draw, len(cells)) if draw(st.booleans()) else count(draw, min(len(cells), 5))
        cells[n] = change(draw, cells[n])
        lines[at] = mark.join(cells)
        return lines

    damage.__name__ = change.__name__
    return damage


@_of_cell
def odd_number(draw: Callable, cell: bytes) -> bytes:
    return NUMBERS[count(draw, len(NUMBERS))].encode()


@_of_cell
def odd_moment(draw: Callable, cell: bytes) -> bytes:
    return MOMENTS[count(draw, len(MOMENTS))].encode()


@_of_cell
def odd_word(draw: Callable, cell: bytes) -> bytes:
    return WORDS[count(draw, len(WORDS))].encode()


@_of_cell
def other_digit(draw: Callable, cell: bytes) -> bytes:
    at = [match.start() for match in re.finditer(rb"[0-9]", cell)]
    if not at:
        return cell
    n = at[count(draw, len(at))]
    return cell[:n] + b"%d" % count(draw, 10) + cell[n + 1 :]


@_of_cell
def other_print(draw: Callable, cell: bytes) -> bytes:
    prints = (
        lambda c: c.upper(), lambda c: c.lower(), lambda c: b" " + c + b" ", lambda c: b'"' + c + b'"',
        lambda c: b"'" + c,
        lambda c: b"-" + c, lambda c: c + b"0", lambda c: c + b".0", lambda c: c.replace(b".", b","), lambda c: c * 2,
        lambda c: c[:-1], lambda c: c[1:], lambda c: b"=" + c, lambda c: b'="' + c + b'"', lambda c: c.swapcase(),
        lambda c: c.replace(b"/", b"-"), lambda c: c + b"e2", lambda c: c * 3000, lambda c: c + b"\0", lambda c: b"",
    )  # fmt: skip
    return prints[count(draw, len(prints))](cell)


def _of_cells(change: Callable[[Callable, list[bytes]], list[bytes]]) -> Damage:
    @_of_lines
    def damage(draw: Callable, lines: list[bytes]) -> list[bytes]:
        mark = delimiter_of(b"\n".join(lines[:20]))
        at = which_line(draw, lines)
        lines[at] = mark.join(change(draw, lines[at].split(mark)))
        return lines

    damage.__name__ = change.__name__
    return damage


@_of_cells
def drop_cell(draw: Callable, cells: list[bytes]) -> list[bytes]:
    at = count(draw, len(cells))
    return cells[:at] + cells[at + 1 :]


@_of_cells
def repeat_cell(draw: Callable, cells: list[bytes]) -> list[bytes]:
    at = count(draw, len(cells))
    return cells[: at + 1] + cells[at:]


@_of_cells
def swap_cells(draw: Callable, cells: list[bytes]) -> list[bytes]:
    one, other = count(draw, len(cells)), count(draw, len(cells))
    cells[one], cells[other] = cells[other], cells[one]
    return cells


def _of_columns(change: Callable[[int, int, list[bytes]], list[bytes]]) -> Damage:
    def damage(draw: Callable, content: bytes) -> bytes:
        lines, end = _split(content)
        mark = delimiter_of(b"\n".join(lines[:20]))
        width = max(len(line.split(mark)) for line in lines[:20])
        one, other = count(draw, width), count(draw, width)
        return end.join(mark.join(change(one, other, line.split(mark))) if line else line for line in lines)

    damage.__name__ = change.__name__
    return damage


@_of_columns
def swap_columns(one: int, other: int, cells: list[bytes]) -> list[bytes]:
    if max(one, other) < len(cells):
        cells[one], cells[other] = cells[other], cells[one]
    return cells


@_of_columns
def drop_column(one: int, other: int, cells: list[bytes]) -> list[bytes]:
    return cells[:one] + cells[one + 1 :]


@_of_columns
def repeat_column(one: int, other: int, cells: list[bytes]) -> list[bytes]:
    return [*cells[:other], *cells[one : one + 1], *cells[other:]]


def cut_off(draw: Callable, content: bytes) -> bytes:
    return content[: count(draw, len(content))]


def odd_bytes(draw: Callable, content: bytes) -> bytes:
    at, odd = count(draw, len(content)), _BYTES[count(draw, len(_BYTES))]
    return content[:at] + odd + content[at + count(draw, 2) :]


def flipped_bit(draw: Callable, content: bytes) -> bytes:
    at = count(draw, len(content))
    return content[:at] + bytes([content[at] ^ 1 << count(draw, 8)]) + content[at + 1 :] if content else content


def drop_bytes(draw: Callable, content: bytes) -> bytes:
    at = count(draw, len(content))
    return content[:at] + content[at + 1 + count(draw, 200) :]


def other_delimiter(draw: Callable, content: bytes) -> bytes:
    return content.replace(delimiter_of(content), (b";", b"\t", b"|", b",", b" ", b", ", b"\x1f")[count(draw, 7)])


def other_line_ends(draw: Callable, content: bytes) -> bytes:
    plain = content.replace(b"\r\n", b"\n")
    return plain.replace(b"\n", (b"\r\n", b"\r", b"\n\n", b"\r\r\n", b" \n", b"\n\r", b",\n")[count(draw, 7)])


def other_encoding(draw: Callable, content: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    forms = (
        lambda: codecs.BOM_UTF8 + content, lambda: codecs.BOM_UTF8 * 2 + content, lambda: text.encode("utf-16"),
        lambda: text.encode("utf-16-le"), lambda: text.encode("utf-16-be"), lambda: text.encode("utf-32"),
        lambda: codecs.BOM_UTF16_LE + content, lambda: content + "\u00e9".encode("latin-1"), lambda: content + b"\x1a",
        lambda: codecs.BOM_UTF16_BE + text.encode("utf-16-be")[:-1], lambda: text.encode("utf-16")[: count(draw, 2000)],
    )  # fmt: skip
    return forms[count(draw, len(forms))]()


def packed(draw: Callable, content: bytes) -> bytes:
    whole = gzip.compress(content, mtime=0)
    forms = (
        lambda: whole, lambda: whole[: count(draw, len(whole))], lambda: gzip.compress(whole, mtime=0),
        lambda: whole + whole,
        lambda: whole + b"junk", lambda: flipped_bit(draw, whole), lambda: whole[:-4] + b"\xff\xff\xff\x7f",
        lambda: whole + b"\0" * 100,
    )  # fmt: skip
    return forms[count(draw, len(forms))]()


def twice(draw: Callable, content: bytes) -> bytes:
    return content + content


def nothing_changed(draw: Callable, content: bytes) -> bytes:
    return content


CELLS: tuple[Damage, ...] = (
    odd_number, odd_moment, odd_word, other_digit, other_digit, other_print, drop_cell, repeat_cell, swap_cells,
)  # fmt: skip
LINES: tuple[Damage, ...] = (drop_lines, repeat_lines, swap_lines, turn_round, join_lines, add_line)
BYTES: tuple[Damage, ...] = (cut_off, odd_bytes, flipped_bit, drop_bytes)
WHOLE: tuple[Damage, ...] = (
    other_delimiter, other_line_ends, other_encoding, packed, twice, swap_columns, drop_column, repeat_column,
    nothing_changed,
)  # fmt: skip


@st.composite
def texts(draw: Callable, content: bytes) -> bytes:
    """Return a text with one to three damages, most of them of cells."""
    kinds = (CELLS, CELLS, LINES, BYTES, WHOLE)
    for _ in range(draw(st.integers(1, 3))):
        kind = kinds[count(draw, len(kinds))]
        content = kind[count(draw, len(kind))](draw, content)
    return content
