"""A lake of the test's own, in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from eclectyc.lake.files import Storage
from eclectyc.lake.store import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake(Storage.from_url(str(tmp_path / "lake")))
