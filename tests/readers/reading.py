"""Read a small file in a test: write it, recognise it, collect the blocks and errors."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from eclectyc.readers.blocks import Block, DayBlock, LineError, Recognition
from eclectyc.readers.files.source import open_source
from eclectyc.readers.reader import ReadOptions
from eclectyc.readers.recognise import recognise

DAY = "1200023305967"


@dataclass
class Read:
    """The result of reading a file."""

    recognition: Recognition
    blocks: list[Block] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)

    @property
    def frame(self) -> pl.DataFrame:
        return pl.concat([block.frame for block in self.blocks])

    @property
    def values(self) -> np.ndarray:
        """Values of day blocks, shape (rows, slots)."""
        return np.concatenate([block.values for block in self.blocks if isinstance(block, DayBlock)])

    @property
    def quality(self) -> np.ndarray:
        return np.concatenate([block.quality for block in self.blocks if isinstance(block, DayBlock)])

    @property
    def rows(self) -> int:
        return sum(block.rows for block in self.blocks)

    @property
    def lines(self) -> list[int]:
        return [error.line for error in self.errors]

    def column(self, name: str) -> list[object]:
        return self.frame[name].to_list()


def read_file(path: Path, kind: str = "auto", *, block_bytes: int = 16 << 20) -> Read:
    source = open_source(path, block_bytes=block_bytes)
    reader, recognition = recognise(source, kind)
    result = Read(recognition)
    for block, errors in reader.read(source, recognition, ReadOptions(kind)):
        result.blocks.append(block)
        result.errors += errors
    return result


def read_text(
    folder: Path, text: str | bytes, kind: str = "auto", *, name: str = "file.csv", block_bytes: int = 16 << 20
) -> Read:
    """Write a file and read it; compressed if its name ends in .gz."""
    path = folder / name
    content = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return read_file(path, kind, block_bytes=block_bytes)
