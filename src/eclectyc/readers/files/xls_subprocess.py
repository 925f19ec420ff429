"""A sheet of an old workbook read in a process of its own: what calamine makes of a damaged one may end the process.

``python -m eclectyc.readers.files.xls_subprocess`` takes JSON on standard input – path, sheet, and out, the Parquet file to
write – and ends with 0, or with 3 and the reason on standard output.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from eclectyc.readers.blocks import UnreadableFile

if TYPE_CHECKING:
    import polars as pl

LONGEST_S: Final = 120
MOST_BYTES: Final = 1 << 30  # of memory
_REFUSED: Final = 3
_REMEDY: Final = "Save its sheet as CSV and import that."


def read_sheet(path: Path, sheet: str) -> pl.DataFrame:
    """Return a sheet's cells as text; ``UnreadableFile`` where it cannot be read."""
    import polars as pl

    with TemporaryDirectory(prefix="eclectyc-xls-") as folder:
        out = Path(folder, "sheet.parquet")
        asked = json.dumps({"path": str(path.absolute()), "sheet": sheet, "out": str(out)})
        command = [sys.executable, "-m", "eclectyc.readers.files.xls_subprocess"]
        try:
            done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=LONGEST_S, check=False)
        except subprocess.TimeoutExpired:
            raise UnreadableFile(f"{path.name} takes too long to read.", _REMEDY) from None
        if done.returncode == 0:
            return pl.read_parquet(out)
        why = done.stdout.strip() if done.returncode == _REFUSED else "its contents are damaged"
        raise UnreadableFile(f"{path.name} cannot be read: {why}.", _REMEDY)


def _read(asked: dict[str, str]) -> str:
    """Write the sheet as Parquet, and return why that cannot be done; nothing where it was."""
    import fastexcel

    with suppress(ValueError, OSError):  # a smaller limit may be there already
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    try:
        book = fastexcel.read_excel(asked["path"])
        book.load_sheet(asked["sheet"], header_row=None, skip_rows=0, dtypes="string").to_polars().write_parquet(
            asked["out"]
        )
    except BaseException as error:  # calamine's own faults are no exceptions
        return " ".join(str(error).split()) or type(error).__name__
    return ""


def _main() -> int:
    why = _read(json.load(sys.stdin))
    print(why)
    return _REFUSED if why else 0


if __name__ == "__main__":
    sys.exit(_main())
