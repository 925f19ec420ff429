"""The registry of golden files: small sound files of every format, with what they are known to hold from elsewhere.

To add a format's files, put a module with ``FILES: list[Golden]`` into ``samples/``. ``test_golden.py`` imports each of
them end to end, and the tests of mutated files draw from them.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "data"

Series = tuple[str, str]  # meter, quantity


@dataclass(frozen=True, slots=True)
class ExpectedSeries:
    """What a file holds for one series; ``total`` in ``unit``, as the source says it or as added up by hand."""

    unit: str
    step: int
    readings: int
    total: float


@dataclass(frozen=True, slots=True)
class Golden:
    """A small sound file.

    name : its own, also that of the file, suffix included. format : what the import calls it. content : its bytes.
    series : what each series holds, by meter and quantity; where several series of one point and quantity are kept
        apart, the name of the part follows the quantity: ``import E1``. Empty for sites and meters.
    options : what must be said with it, as ``ImportOptions`` takes it. rows : its data lines.
    """

    name: str
    format: str
    content: bytes
    rows: int
    series: dict[Series, ExpectedSeries] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write the file into a folder."""
        path = folder / self.name
        path.write_bytes(self.content)
        return path


@cache
def golden() -> dict[str, Golden]:
    """Return every golden file by name."""
    package = import_module("tests.readers.formats.samples")
    found: dict[str, Golden] = {}
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        for file in import_module(f"{package.__name__}.{module.name}").FILES:
            assert file.name not in found, f"two golden files are called {file.name}"
            found[file.name] = file
    return found
