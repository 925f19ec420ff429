"""The worst files there are, and a process of 1 GiB that imports them.

``python -m tests.readers.mutants.hostile FOLDER`` prints one JSON object a line: the file's name, the
words with which it was refused, and how long that took.
"""

from __future__ import annotations

import gzip
import io
import json
import resource
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.readers.formats.sheets import ods, xls, xlsx

MOST_BYTES = 1 << 30
MPAN = "1200023305967"
_ROWS = [["MPAN", "Datetime", "kWh"], *([MPAN, f"2024-01-01 {hour:02}:00", 1.5] for hour in range(24))]
_LINE = f"{MPAN},2024-01-01 00:00,1\n".encode()
_HEADER = b"MPAN,Datetime,kWh\n"
_LAUGHS = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(12)
) + b"]>"  # fmt: skip


def _repacked(content: bytes, part: str, change: Callable[[bytes], bytes], *, name: str = "") -> bytes:
    """Pack a workbook again with one part changed, or under another name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            data = old.read(info)
            is_it = info.filename == part
            new.writestr(name if is_it and name else info.filename, change(data) if is_it else data)
    return packed.getvalue()


def _gzip_of_2_gib() -> bytes:
    return gzip.compress(_HEADER, 1) + gzip.compress(_LINE * ((64 << 20) // len(_LINE)), 9) * 32


def _lying_gzip() -> bytes:
    """A file that declares 2 GiB unpacked, and has one line."""
    return gzip.compress(_HEADER + _LINE)[:-4] + (1 << 31).to_bytes(4, "little")


def _sheet_bomb() -> bytes:
    packed = io.BytesIO(xlsx({"Sheet1": _ROWS}))
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as book, book.open("xl/worksheets/sheet2.xml", "w") as part:
        for _ in range(150):
            part.write(b" " * (4 << 20))
    return packed.getvalue()


def _circle() -> bytes:
    """An old workbook whose table of sectors leads in a circle."""
    book = bytearray(xls({"Sheet1": _ROWS}))
    first = int.from_bytes(book[76:80], "little")
    at = (first + 1) * 512
    book[at : at + 512] = b"\0\0\0\0" * 128
    return bytes(book)


def _repeats() -> bytes:
    cell = {"valuetype": "float", "value": "1", "text": "1", "numbercolumnsrepeated": "1000000"}
    return ods({"Sheet1": [["MPAN", "Datetime", "kWh"], [cell] * 50]})


# name -> what makes it, and words of the reason for which it is refused
WORST: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb.xlsx": (_sheet_bomb, "unpacks to more than 200 times"),
    "laughs.xml": (lambda: b'<?xml version="1.0"?>' + _LAUGHS + b'<feed xmlns="http://naesb.org/espi">&m;</feed>',
    "document type"),
    "laughs.xlsx": (
        lambda: _repacked(xlsx({"Sheet1": _ROWS}), "xl/worksheets/sheet1.xml",
                          lambda data: data.replace(b"<worksheet", _LAUGHS + b"<worksheet", 1)), "document type"),
    "laughs.ods": (
        lambda: _repacked(ods({"Sheet1": _ROWS}), "content.xml",
                          lambda data: data.replace(b"<office:document-content",
                          _LAUGHS + b"<office:document-content", 1)),
        "document type"),
    "columns.csv": (lambda: b"MPAN,Date," + b"x," * 10_000_000 + b"\n" + _LINE, "longer than 1 MiB"),
    "slots.csv": (lambda: b"MPAN,Date" + b"".join(b",HH%d" % n for n in range(120_000)) + b"\n" + _LINE, "columns"),
    "endless.csv": (lambda: _HEADER + _LINE + b"1" * (80 << 20), "longer than 1 MiB"),
    "two-gib.csv.gz": (_gzip_of_2_gib, "unpacks to more than 200 times"),
    "lies.csv.gz": (_lying_gzip, "not valid gzip"),
    "deep.json": (lambda: b'{"results":' + b"[" * 5_000_000, "JSON"),
    "deeper.json": (lambda: b'{"results":' + b"[" * 900_000 + b"]" * 900_000 + b"}", "lists nested without end"),
    "wide.json": (lambda: b'{"results":[' + b"{}," * 12_000_000 + b"{}]}", "too large a JSON"),
    "deep.xml": (lambda: b'<feed xmlns="http://naesb.org/espi">' + b"<a>" * 3_000_000, "elements nested more than"),
    "tag.xml": (lambda: b'<feed xmlns="http://naesb.org/espi" ' + b'a="' + b"x" * (40 << 20), "tag of more than 1 MiB"),
    "paths.xlsx": (
        lambda: _repacked(xlsx({"Sheet1": _ROWS}), "xl/worksheets/sheet1.xml", lambda data: data,
                          name="../../../../../../tmp/eclectyc-was-here.xml"), "is missing"),
    "circle.xls": (_circle, "cannot be read"),
    "repeats.ods": (_repeats, "more cells than a sheet can hold"),
    "nul.csv": (lambda: _HEADER + _LINE * 1000 + b"\0" * (30 << 20), "zero bytes"),
    "marks.csv": (lambda: _HEADER + b'"' * (900 << 10) + b"\n" + _LINE, "fields"),
}  # fmt: skip


def write(folder: Path) -> None:
    """Write the worst files into a folder."""
    for name, (make, _) in WORST.items():
        (folder / name).write_bytes(make())


def main(folder: Path) -> None:
    from eclectyc.cli.session import OPERATOR, chosen_organisation, ready

    ready()
    from eclectyc.intake.import_options import ImportOptions
    from eclectyc.intake.service import import_file
    from eclectyc.kernel.errors import EclectycError

    organisation = chosen_organisation(None)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    for path in _files(folder):
        began = time.monotonic()
        options = ImportOptions(
            create_meters=True, site="Dock Office", meter=MPAN if path.suffix in (".json", ".xml") else ""
        )
        try:
            report = import_file(OPERATOR, organisation=organisation, path=path, options=options)
            said, remedy = (
                "; ".join(error.reason for error in report.errors[:3]),
                report.errors[0].remedy if report.errors else "",
            )
        except EclectycError as refusal:
            said, remedy = refusal.reason, refusal.remedy
        took = time.monotonic() - began
        print(json.dumps({"name": path.name, "said": said, "remedy": remedy, "took_s": took}), flush=True)
    print(json.dumps({"peak_mib": peak_mib()}), flush=True)


def peak_mib() -> int:
    """Return the most memory that this process has had; ``getrusage`` would count its parent's before it began."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


def _files(folder: Path) -> Iterator[Path]:
    return (folder / name for name in WORST)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
