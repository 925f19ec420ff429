"""What a command's start may not load: it would be paid for by every command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_starting_django_loads_neither_arrays_nor_the_lake_nor_connections(tmp_path: Path) -> None:
    asked = (
        "import sys, django; django.setup();"
        "print(*sorted({'numpy', 'polars', 'deltalake', 'dask', 'paramiko', 'httpx', 'fastexcel'} & set(sys.modules)))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "eclectyc.settings", "ECLECTYC_HOME": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", asked], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.split() == []
