"""The registry of golden files: small valid files of every format, with their known contents.

To add a format's files, put a module with ``FILES: list[Golden]`` into ``samples/``. ``test_golden.py`` imports each of
them end to end, and the tests of mutated files start from them.
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
    """The expected readings of one series; ``total`` in ``unit``, as given by the source or added up by hand."""

    unit: str
    step: int
    readings: int
    total: float


@dataclass(frozen=True, slots=True)
class Golden:
    """A small valid file.

    name : the file's name, with its suffix. format : its format in the import's report. content : its bytes.
    series : the expected series, by meter and quantity; of a register, its name follows the quantity: ``import E1``.
        Empty for sites and meters.
    options : the ``ImportOptions`` that it needs. rows : its data lines.
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
