"""From bytes to text: encodings, packing, line ends, and what is refused."""

from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib
from pathlib import Path

import pytest

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.raw_file import MAX_RATIO, RawFile
from eclectyc.readers.files.source import MAX_LINE_BYTES, open_source
from tests.readers.reading import read_text

TEXT = "mpan,datetime,kwh\nCafé,2024-01-01 00:00,1\nB,2024-01-01 00:30,2\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(), b"\xef\xbb\xbf" + TEXT.encode(), TEXT.encode("utf-16"), TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"), b"\xfe\xff" + TEXT.encode("utf-16-be"), TEXT.encode("windows-1252"),
        TEXT.encode("utf-32"), TEXT.replace("\n", "\r\n").encode(), TEXT.replace("\n", "\r").encode(),
        TEXT.rstrip("\n").encode(), TEXT.encode() + b"\x1a", ("\n\n" + TEXT + "\n\n").encode(),
        TEXT.replace(",", ";").encode(), TEXT.replace(",", "\t").encode(), TEXT.replace(",", "|").encode(),
        TEXT.replace("\n", "\r\n").encode("utf-16"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["file.csv", "file.csv.gz", "file"])
def test_the_same_table_is_read_from_every_encoding_line_end_and_packing(
    tmp_path: Path, content: bytes, name: str
) -> None:
    read = read_text(tmp_path, content, name=name)
    assert (read.column("meter"), read.column("value"), read.errors) == (["Café", "B"], [1.0, 2.0], [])


def test_packing_is_told_by_the_bytes_and_not_by_the_name(tmp_path: Path) -> None:
    assert read_text(tmp_path, gzip.compress(TEXT.encode()), name="plain.csv").rows == 2
    path = tmp_path / "named.csv.gz"
    path.write_bytes(TEXT.encode())
    assert open_source(path).head_text.text.startswith(b"mpan")


def test_a_file_put_together_from_two_encodings_reads_right_line_by_line(tmp_path: Path) -> None:
    content = (
        b"mpan,datetime,kwh\n" + "Café,2024-01-01 00:00,1\n".encode() + "Bär,2024-01-01 00:30,2\n".encode("cp1252")
    )
    read = read_text(tmp_path, content)
    assert (read.column("meter"), read.errors) == (["Café", "Bär"], [])


@pytest.mark.parametrize("block_bytes", [60, 1 << 20])
def test_files_joined_end_to_end_read_as_one(tmp_path: Path, block_bytes: int) -> None:
    read = read_text(tmp_path, (b"\xef\xbb\xbf" + TEXT.encode()) * 3, block_bytes=block_bytes)
    assert (read.column("meter"), read.errors) == (["Café", "B"] * 3, [])
    assert "repeat the header" in read.recognition.warnings[0]


@pytest.mark.parametrize("junk", [b"\x81\x8d", b"\x1d", "\ufffd".encode()])
def test_a_line_that_is_no_text_is_rejected_and_the_rest_goes_in(tmp_path: Path, junk: bytes) -> None:
    read = read_text(
        tmp_path, b"mpan,datetime,kwh\nA,2024-01-01 00:00,1\n" + junk + b",2024-01-01 00:30,2\nC,2024-01-01 01:00,3\n"
    )
    assert read.column("value") == [1.0, 3.0]
    assert read.column("line") == [2, 4]
    assert read.lines == [3]
    assert "UTF-8" in read.errors[0].reason


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\n  \n", "has only blank lines"),
        (b"mpan,datetime,kwh\n", "header and no data"),
        (b"mpan,datetime,kwh", "header and no data"),
        (b"PK\x03\x04rest", "an .xlsx workbook"),
        (b"%PDF-1.7 rest", "a PDF document"),
        (b"\xd0\xcf\x11\xe0rest", "an old Excel workbook"),
        (b"PAR1rest", "a Parquet file"),
        (b"\x89PNG\r\n", "a picture"),
        (b"\x7fELF\x00", "a program"),
        (gzip.compress(b"PK\x03\x04rest"), "an .xlsx workbook"),
        (gzip.compress(gzip.compress(TEXT.encode())), "gzip data inside gzip data"),
        (b"\x00\x01\x02\x03" * 200, "zero bytes"),
        (TEXT.encode() + b"\x00" * 64, "zero bytes"),
        (gzip.compress(bytes(range(256)) * 40), "zero bytes"),
        (gzip.compress(TEXT.encode() * 9999)[:-300], "cut off"),
        (b"\x1f\x8b\x08\x00junkjunkjunk", "not valid gzip data"),
        (b'{"results": []}', "is JSON"),
        (b"<?xml version='1.0'?><feed/>", "is XML"),
        (b"just some words\nand more of them\n", "is not recognised"),
        (b"a,b,c\n1,2,3\n", "a, b, c"),
        (b"x" * (MAX_LINE_BYTES + 2), "longer than 1 MiB"),
        (TEXT.encode() + b"y" * (3 * MAX_LINE_BYTES) + b"\n", "Line 4 of"),
        (b"c," * 10_000_000, "longer than 1 MiB"),
        (b"c," * 20_000 + b"\n1,2\n", "20,001 columns"),
    ],
)
def test_what_is_no_table_is_refused_whole_by_name(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as error:
        read_text(tmp_path, content)
    assert says in str(error.value)
    assert error.value.remedy


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no file"):
        open_source(tmp_path / "nothing.csv")
    with pytest.raises(UnreadableFile, match="no file"):
        open_source(tmp_path)


def bomb(path: Path, line: bytes, megabytes: int) -> None:
    """Write a file that unpacks to very much more than it is."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    chunk = line * ((1 << 20) // len(line))
    with path.open("wb") as file:
        file.write(packer.compress(TEXT.encode()))
        for _ in range(megabytes):
            file.write(packer.compress(chunk))
        file.write(packer.flush())


@pytest.mark.parametrize("line", [b"\n", b"A,2024-01-01 00:00,1\n", b"x"])
def test_a_file_that_unpacks_out_of_all_measure_is_refused_in_flat_memory(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "bomb.csv.gz"
    bomb(path, line, 100)
    tracemalloc.start()
    with pytest.raises(UnreadableFile) as error:
        for _ in open_source(path, block_bytes=1 << 20).blocks():
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(MAX_RATIO) in str(error.value) or "1 MiB" in str(error.value)
    assert peak < 32 << 20


def test_reading_says_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(TEXT.encode() * 5000)
    source = open_source(path, block_bytes=1 << 14)
    seen = [source.position for _ in source.blocks()]
    assert seen == sorted(seen)
    assert seen[-1] == source.size == path.stat().st_size


@pytest.mark.parametrize("block_bytes", [64, 100, 1000, 1 << 20])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blocks_hold_whole_lines_and_count_them(tmp_path: Path, block_bytes: int, end: str) -> None:
    lines = [f"{n},{'z' * (n % 40)}" for n in range(300)]
    path = tmp_path / "file.csv"
    path.write_bytes(end.join(lines).encode())
    found = []
    for block in open_source(path, block_bytes=block_bytes).blocks(after_line=7):
        assert block.first_line == 8 + len(found)
        found += block.text.decode().splitlines()
    assert found == lines[7:]


@pytest.mark.parametrize("lines_before", [0, 1, 3])
def test_an_endless_line_right_under_the_header_is_named_and_not_taken_for_no_data(
    tmp_path: Path, lines_before: int
) -> None:
    before = "A,2024-01-01 00:00,1\n" * lines_before
    with pytest.raises(UnreadableFile, match=rf"Line {lines_before + 2} of file.csv is longer than 1 MiB"):
        read_text(tmp_path, f"mpan,datetime,kwh\n{before}A,{'1' * 5_000_000},1\n")


def test_a_line_that_is_only_just_short_enough_is_seen_under_its_header(tmp_path: Path) -> None:
    row = "A,2024-01-01 00:00,1," + "x" * (MAX_LINE_BYTES - 30)
    read = read_text(tmp_path, f"mpan,datetime,kwh,note\n{row}\n{row.replace('00:00', '00:30')}\n")
    assert (read.column("value"), read.errors) == ([1.0, 1.0], [])


@pytest.mark.parametrize("block_bytes", [70_000, 100_000, 1 << 20])
@pytest.mark.parametrize("longest", [3, 2000, 150_000])  # the last has blocks without a line's end near theirs
@pytest.mark.parametrize("name", ["file.csv", "file.csv.gz"])
def test_large_blocks_hold_whole_lines_too(tmp_path: Path, block_bytes: int, longest: int, name: str) -> None:
    chance = random.Random(longest)
    lines = ["a,b", *(f"{n},{'z' * chance.randrange(longest)}" for n in range(min(60_000, 3_000_000 // longest)))]
    content = "\n".join(lines).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content, 1) if name.endswith(".gz") else content)
    found: list[str] = []
    for block in open_source(path, block_bytes=block_bytes).blocks():
        assert block.first_line == 1 + len(found)
        assert block.text.endswith(b"\n")
        found += block.text.decode().split("\n")[:-1]
    assert found == lines


def test_pieces_of_a_plain_file_end_where_a_line_does_and_are_put_together_from_none(tmp_path: Path) -> None:
    content = b"".join(b"%d,%s\n" % (n, b"z" * (n % 90)) for n in range(20_000))
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with RawFile(path) as raw:
        pieces = list(iter(lambda: raw.read_lines(100_000), b""))
    assert b"".join(pieces) == content
    assert all(piece.endswith(b"\n") and len(piece) <= 100_000 for piece in pieces)
    assert min(map(len, pieces[:-1])) > 99_900


def test_a_record_that_a_large_block_would_cut_is_read_whole(tmp_path: Path) -> None:
    note = "x" * 30 + "\n" + "y" * 30  # quoted: its line feed is none of the record's end
    rows = [f'M{n},2024-01-01 00:00,{n},"{note}"\n' for n in range(4000)]
    read = read_text(tmp_path, "mpan,datetime,kwh,note\n" + "".join(rows), block_bytes=66_000)
    assert (read.column("meter"), read.errors) == ([f"M{n}" for n in range(4000)], [])
    assert read.column("line") == [2 + 2 * n for n in range(4000)]
