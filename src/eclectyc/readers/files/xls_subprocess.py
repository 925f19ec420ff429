"""Read a sheet of an old workbook in a process of its own: calamine may end the process on a damaged one.

``python -m eclectyc.readers.files.xls_subprocess`` reads JSON from standard input – path, sheet, and out, the Parquet
file to write – and ends with 0, or with 3 and the reason on standard output.
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
    """Return a sheet's cells as text; ``UnreadableFile`` if it cannot be read."""
    import polars as pl

    with TemporaryDirectory(prefix="eclectyc-xls-") as folder:
        out = Path(folder, "sheet.parquet")
        request = json.dumps({"path": str(path.absolute()), "sheet": sheet, "out": str(out)})
        command = [sys.executable, "-m", "eclectyc.readers.files.xls_subprocess"]
        try:
            done = subprocess.run(
                command, input=request, capture_output=True, text=True, timeout=LONGEST_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise UnreadableFile(f"{path.name} takes too long to read.", _REMEDY) from None
        if done.returncode == 0:
            return pl.read_parquet(out)
        why = done.stdout.strip() if done.returncode == _REFUSED else "its contents are damaged"
        raise UnreadableFile(f"{path.name} cannot be read: {why}.", _REMEDY)


def _read(request: dict[str, str]) -> str:
    """Write the sheet as Parquet; return the reason if that fails, else nothing."""
    import fastexcel

    with suppress(ValueError, OSError):  # a smaller limit may be there already
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    try:
        book = fastexcel.read_excel(request["path"])
        book.load_sheet(request["sheet"], header_row=None, skip_rows=0, dtypes="string").to_polars().write_parquet(
            request["out"]
        )
    except BaseException as error:  # calamine's panics are not subclasses of Exception
        return " ".join(str(error).split()) or type(error).__name__
    return ""


def _main() -> int:
    why = _read(json.load(sys.stdin))
    print(why)
    return _REFUSED if why else 0


if __name__ == "__main__":
    sys.exit(_main())
