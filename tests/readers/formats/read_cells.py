"""The cells that a reader returned, and files cut off at every byte: for tests of formats that are not tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eclectyc.readers.blocks import DayBlock, RowBlock, UnreadableFile
from tests.readers.reading import Read, read_text

Cells = dict[tuple[Any, ...], tuple[float, int]]


def cells_of(read: Read) -> Cells:
    """Return value and quality by meter, quantity, register, day or stamp, and slot; without empty cells."""
    cells: Cells = {}
    for block in read.blocks:
        frame = block.frame
        names = [name for name in ("meter", "quantity", "register") if name in frame.columns]
        keys = list(zip(*(frame[name].to_list() for name in names), strict=True))
        if isinstance(block, DayBlock):
            days = frame["day"].to_list()
            for row, slot in zip(*np.nonzero(~np.isnan(block.values)), strict=True):
                value, quality = float(block.values[row, slot]), int(block.quality[row, slot])
                cells[*keys[row], days[row], int(slot)] = value, quality
        elif isinstance(block, RowBlock):
            for key, stamp, value, quality in zip(keys, frame["stamp"], frame["value"], frame["quality"], strict=True):
                if value is not None:
                    cells[*key, stamp] = value, quality
    return cells


def cut_off(content: bytes, most: int, *, every: int = 1) -> Iterator[bytes]:
    """Yield a file cut off before each of its last ``most`` bytes, or before every so many of them."""
    for end in range(max(1, len(content) - most), len(content), every):
        yield content[:end]


def read_or_refused(folder: Path, content: bytes, **options: Any) -> Read | None:
    """Return what was read, or None if the file was refused with a reason and a remedy."""
    try:
        return read_text(folder, content, **options)
    except UnreadableFile as refusal:
        return None if refusal.reason and refusal.remedy else pytest.fail("refused without a reason or a remedy")
