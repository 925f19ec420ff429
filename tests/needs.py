"""What some tests need of the machine: where it is found, and how to get it.

``python -m tests.needs postgresql`` ends with 0 where PostgreSQL is found, else with 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

REMEDIES: Final = {
    "chromium": "Chromium, or what drives it, was not found (Debian: apt-get install chromium libatomic1)",
    "sshd": "OpenSSH's server was not found (Debian: apt-get install openssh-server)",
    "postgresql": "PostgreSQL's initdb and pg_ctl were not found (Debian: apt-get install postgresql)",
}


def chromium() -> Path | None:
    """Return Chromium's path: ``ECLECTYC_CHROMIUM``, else the first on the path."""
    named = os.environ.get("ECLECTYC_CHROMIUM")
    found = named or shutil.which("chromium") or shutil.which("chromium-browser")
    return Path(found) if found and Path(found).exists() else None


def postgresql() -> Path | None:
    """Return the folder of PostgreSQL's server programs: Debian's newest, else the path's."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if versions:
        return versions[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found and shutil.which("pg_ctl") else None


@cache
def found(need: str) -> bool:
    """Say whether a need of :data:`REMEDIES` is met on this machine."""
    if need == "chromium":
        return chromium() is not None and _can_be_driven()
    if need == "sshd":
        return sshd() is not None
    return postgresql() is not None


def sshd() -> Path | None:
    """Return OpenSSH's server, which lies beside what a person's path has."""
    found = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None


def _can_be_driven() -> bool:
    """Say whether the node that comes with Playwright starts: it needs a library of the system's."""
    from playwright._impl._driver import compute_driver_executable

    node, _ = compute_driver_executable()
    return subprocess.run([node, "--version"], capture_output=True, check=False).returncode == 0


def on_postgresql() -> bool:
    """Say whether this run of the suite uses PostgreSQL rather than SQLite."""
    return os.environ.get("ECLECTYC_TEST_DATABASE", "sqlite") == "postgresql"


def queries_of_a_call(queries: int) -> int:
    """Return how many queries a call over the API costs: PostgreSQL counts the calls as well, SQLite does not."""
    return queries + 1 if on_postgresql() else queries


def all_required() -> bool:
    """Say whether a missing need is a failure here, as it is in CI."""
    return os.environ.get("ECLECTYC_REQUIRE_ALL") == "1"


if __name__ == "__main__":
    sys.exit(0 if found(sys.argv[1]) else 1)
