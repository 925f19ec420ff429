"""An export as a file: CSV, JSON, a workbook or Parquet, written part by part."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

import polars as pl

from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.spreadsheet_safety import FORMULA
from eclectyc.reports.sheets import Row, write_xlsx

FORMATS: Final = ("csv", "json", "xlsx", "parquet")


def require_format(name: str) -> str:
    """Return a format that can be written; raise ``Invalid`` for another."""
    if name not in FORMATS:
        raise Invalid(f"There is no format {name!r}.", f"Use {', '.join(FORMATS)}.", field="format")
    return name


def write_export(parts: Iterable[pl.DataFrame], out: IO[bytes], *, form: str) -> int:
    """Write the parts as one file and return how many rows they held.

    Raises ``Invalid`` if a workbook cannot hold them all.
    """
    return {"csv": _csv, "json": _json, "xlsx": _xlsx, "parquet": _parquet}[form](parts, out)


def _csv(parts: Iterable[pl.DataFrame], out: IO[bytes]) -> int:
    rows = 0
    for number, frame in enumerate(parts):
        part = frame.with_columns(pl.col(pl.String).replace("", None).pipe(_safe))
        out.write(part.write_csv(include_header=number == 0).encode())
        rows += len(part)
    return rows


def _safe(text: pl.Expr) -> pl.Expr:
    """Do as :func:`eclectyc.kernel.spreadsheet_safety.safe` for columns: formulas are kept as text."""
    return pl.when(text.str.contains(FORMULA)).then(pl.lit("'") + text).otherwise(text).name.keep()


def _json(parts: Iterable[pl.DataFrame], out: IO[bytes]) -> int:
    """Write one object in the form of the API's lists: ``{"items": [...], "count": n}``."""
    rows = 0
    out.write(b'{"items": [')
    for part in parts:
        for row in part.iter_rows(named=True):
            out.write(b",\n" if rows else b"\n")
            out.write(json.dumps(row, ensure_ascii=False, default=str).encode())
            rows += 1
    out.write(f'\n], "count": {rows}}}\n'.encode())
    return rows


def _xlsx(parts: Iterable[pl.DataFrame], out: IO[bytes]) -> int:
    """Write one sheet; rows go to a file as they come, and the result is sent once all of them fit."""
    rows = 0

    def lines() -> Iterator[Row]:
        nonlocal rows
        for number, frame in enumerate(parts):
            if not number:
                yield frame.columns
            rows += len(frame)
            yield from frame.iter_rows()

    with tempfile.TemporaryFile(prefix="eclectyc-export-") as file:
        write_xlsx(lines(), "Export", file)
        file.seek(0)
        for chunk in _chunks(file):
            out.write(chunk)
    return rows


def _parquet(parts: Iterable[pl.DataFrame], out: IO[bytes]) -> int:
    """Write parts to separate files first, so that the whole is never in memory."""
    with tempfile.TemporaryDirectory(prefix="eclectyc-export-") as folder:
        rows, files = 0, []
        for number, part in enumerate(parts):
            if len(part) or not number:
                files.append(Path(folder, f"{number:06d}.parquet"))
                part.write_parquet(files[-1])
                rows += len(part)
        whole = Path(folder, "whole.parquet")
        pl.scan_parquet(files).sink_parquet(whole, maintain_order=True)
        with whole.open("rb") as file:
            for chunk in _chunks(file):
                out.write(chunk)
    return rows


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(1 << 20):
        yield chunk
