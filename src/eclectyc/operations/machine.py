"""Health checks of the machine and the registry: environment, database, data folder, memory, disk."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, connection

from eclectyc import __version__
from eclectyc.kernel.health import CRITICAL, DEGRADED, HEALTHY, CheckResult
from eclectyc.kernel.plurals import counted

DISK_FULL_PERCENT: Final = 90.0
DISK_LEAST_FREE: Final = 64 << 20  # [bytes] with less, no import can be committed
MEMORY_LEAST_FREE_PERCENT: Final = 5.0


def environment(*, now: datetime, deep: bool) -> CheckResult:
    """Check Python, the package, and settings that weaken an installation."""
    detail = {"eclectyc": __version__, "python": platform.python_version(), "platform": platform.platform()}
    if settings.DEBUG:
        return CheckResult(DEGRADED, "Debugging is switched on: ECLECTYC_DEBUG shows internals.", detail)
    if len(settings.SECRET_KEY) < 32:
        return CheckResult(DEGRADED, "SECRET_KEY is shorter than 32 characters.", detail)
    return CheckResult(HEALTHY, f"Eclectyc {__version__} on Python {platform.python_version()}.", detail)


def database(*, now: datetime, deep: bool) -> CheckResult:
    """Check that the registry answers and has this version's schema."""
    from eclectyc.kernel.errors import EclectycError
    from eclectyc.operations.home import missing_migrations

    detail: dict[str, Any] = {"kind": connection.vendor}
    try:
        missing = missing_migrations()
    except DatabaseError as error:
        return CheckResult(CRITICAL, "The registry does not answer.", detail | {"error": str(error).strip()})
    except EclectycError as error:
        return CheckResult(CRITICAL, str(error), detail)
    if missing:
        pending = f"{counted(len(missing), 'migration')} {'is' if len(missing) == 1 else 'are'} pending"
        return CheckResult(CRITICAL, f"{pending}. Run eclectyc migrate.", detail)
    return CheckResult(HEALTHY, f"The registry ({connection.vendor}) answers and is up to date.", detail)


def filesystem(*, now: datetime, deep: bool) -> CheckResult:
    """Check that the data folder can be written, and is closed to others."""
    return check_folder(settings.HOME, deep=deep)


def check_folder(home: Path, *, deep: bool) -> CheckResult:
    """Check a data folder; a deep check writes a temporary file."""
    detail = {"home": str(home)}
    if not home.is_dir():
        return CheckResult(CRITICAL, "The data folder is missing.", detail)
    try:
        if deep:
            with tempfile.TemporaryFile(dir=home) as file:
                file.write(b"health")
                file.flush()
                os.fsync(file.fileno())
        elif not os.access(home, os.W_OK | os.X_OK):
            return CheckResult(CRITICAL, "The data folder cannot be written.", detail)
    except OSError as error:
        return CheckResult(CRITICAL, f"The data folder cannot be written: {error.strerror}.", detail)
    secret = home / "secret_key"
    if secret.exists() and stat.S_IMODE(secret.stat().st_mode) & 0o077:
        return CheckResult(DEGRADED, "Others can read the secret key. Set its mode to 0600.", detail)
    return CheckResult(HEALTHY, "The data folder can be written.", detail)


def memory(*, now: datetime, deep: bool) -> CheckResult:
    """Check how much memory is free."""
    return check_memory(free_memory())


def check_memory(known: tuple[int, int] | None) -> CheckResult:
    """Check free memory. known : free and total [bytes]; None if unknown."""
    if known is None:
        return CheckResult(HEALTHY, "Free memory is unknown on this platform.")
    available, total = known
    percent = 100 * available / total
    detail = {"available_bytes": available, "total_bytes": total}
    status = DEGRADED if percent < MEMORY_LEAST_FREE_PERCENT else HEALTHY
    return CheckResult(status, f"{percent:.0f}% of {total / 2**30:.1f} GiB is free.", detail)


def free_memory() -> tuple[int, int] | None:
    """Return free and total memory [bytes]: of the container if it is limited, else of the machine."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    facts = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line}
    machine = facts["MemAvailable"], facts["MemTotal"]
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
        used = int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))
        cache = Path("/sys/fs/cgroup/memory.stat").read_text(encoding="ascii").split("inactive_file ")[1].split()[0]
    except (OSError, ValueError, IndexError):
        return machine
    return min(machine[0], limit - used + int(cache)), min(machine[1], limit)


def disk(*, now: datetime, deep: bool) -> CheckResult:
    """Check how full the disk of the data folder is."""
    return check_disk(settings.HOME if settings.HOME.is_dir() else Path(sys.prefix))


def check_disk(folder: Path, usage: Callable[[Path], Any] = shutil.disk_usage) -> CheckResult:
    """Check how full the disk of a folder is, as ``df`` counts."""
    found = usage(folder)
    percent = 100 * found.used / max(found.used + found.free, 1)
    detail = {"folder": str(folder), "used_percent": round(percent, 1), "free_bytes": found.free}
    message = f"{percent:.0f}% of the disk is used; {found.free / 2**30:.1f} GiB is free."
    if found.free < DISK_LEAST_FREE:
        return CheckResult(CRITICAL, f"{message} Imports will fail: free some space.", detail)
    if percent >= DISK_FULL_PERCENT:
        return CheckResult(DEGRADED, f"{message} Free some space soon.", detail)
    return CheckResult(HEALTHY, message, detail)
