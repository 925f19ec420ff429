"""How this installation is doing: one check a question, each with its own verdict; the worst is the whole's.

The quick report (for ``/api/health``, many times a minute) looks; the deep one also tries writing and reads the
lake's files through.
"""

from __future__ import annotations

import os
import platform
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from eclectyc import __version__
from eclectyc.kernel.plurals import counted, worded

HEALTHY: Final = "healthy"
DEGRADED: Final = "degraded"
CRITICAL: Final = "critical"
ORDER: Final = (HEALTHY, DEGRADED, CRITICAL)

DISK_FULL_PERCENT: Final = 90.0
DISK_LEAST_FREE: Final = 64 << 20  # [bytes] less than this and no import can be committed
MEMORY_LEAST_FREE_PERCENT: Final = 5.0
IMPORT_OLD: Final = timedelta(days=7)
PENDING_LONG: Final = timedelta(hours=1)
PUSH_WAITS_LONG_S: Final = 600.0
DERIVED_WAITS_LONG_S: Final = 600.0
SEALING_LATE: Final = timedelta(minutes=10)  # it is done every five seconds, and at the end of each command
DUE_LONG: Final = timedelta(minutes=15)
FAILED_MANY: Final = 3
FAILED_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Check:
    """One question and its answer. ``detail`` is for administrators only."""

    name: str
    status: str
    message: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HealthReport:
    """``status`` is the worst of the checks'."""

    status: str
    checks: list[Check]

    @classmethod
    def of(cls, checks: Iterable[Check]) -> HealthReport:
        done = list(checks)
        return cls(max((c.status for c in done), key=ORDER.index, default=HEALTHY), done)

    @property
    def exit_code(self) -> int:
        """0 healthy, 1 degraded, 2 critical."""
        return ORDER.index(self.status)

    def as_json(self) -> dict[str, Any]:
        return {"status": self.status, "version": __version__, "checks": [asdict(c) for c in self.checks]}


def report(deep: bool = True) -> HealthReport:
    """Ask every question. A check that fails by surprise is critical and says how; the others are still asked."""
    questions: dict[str, Callable[[], Check]] = {
        "environment": environment,
        "database": database,
        "filesystem": lambda: filesystem(settings.HOME, deep=deep),
        "lake": lambda: lake(deep=deep),
        "memory": memory,
        "disk": lambda: disk(_disk_folder()),
        "imports": lambda: imports(timezone.now()),
        "pushes": lambda: pushes(timezone.now()),
        "derived": lambda: derived(timezone.now()),
        "jobs": jobs,
        "audit": lambda: audit(timezone.now(), deep=deep),
    }
    return HealthReport.of(_ask(name, question) for name, question in questions.items())


def _ask(name: str, question: Callable[[], Check]) -> Check:
    try:
        return question()
    except DatabaseError:
        return Check(name, CRITICAL, "This cannot be told: the registry does not answer.")
    except Exception as error:  # a report must never be silenced by what it reports on
        return Check(name, CRITICAL, f"The check itself failed: {type(error).__name__}: {error}")


def environment() -> Check:
    """Python, the package and the settings that weaken an installation."""
    detail = {"eclectyc": __version__, "python": platform.python_version(), "platform": platform.platform()}
    if settings.DEBUG:
        return Check("environment", DEGRADED, "Debugging is switched on: ECLECTYC_DEBUG shows internals.", detail)
    if len(settings.SECRET_KEY) < 32:
        return Check("environment", DEGRADED, "SECRET_KEY is shorter than 32 characters.", detail)
    return Check("environment", HEALTHY, f"Eclectyc {__version__} on Python {platform.python_version()}.", detail)


def database() -> Check:
    """Whether the registry answers and its schema is this version's."""
    from eclectyc.kernel.errors import EclectycError
    from eclectyc.operations.home import missing_migrations

    detail: dict[str, Any] = {"kind": connection.vendor}
    try:
        missing = missing_migrations()
    except DatabaseError as error:
        return Check("database", CRITICAL, "The registry does not answer.", detail | {"error": str(error).strip()})
    except EclectycError as error:
        return Check("database", CRITICAL, str(error), detail)
    if missing:
        return Check("database", CRITICAL, f"Lacks {counted(len(missing), 'migration')}. Run eclectyc migrate.", detail)
    return Check("database", HEALTHY, f"The registry ({connection.vendor}) answers and is up to date.", detail)


def filesystem(home: Path, *, deep: bool) -> Check:
    """Whether the home can be written and is closed to others."""
    detail = {"home": str(home)}
    if not home.is_dir():
        return Check("filesystem", CRITICAL, "The data folder is not there.", detail)
    try:
        if deep:
            with tempfile.TemporaryFile(dir=home) as file:
                file.write(b"health")
                file.flush()
                os.fsync(file.fileno())
        elif not os.access(home, os.W_OK | os.X_OK):
            return Check("filesystem", CRITICAL, "The data folder cannot be written.", detail)
    except OSError as error:
        return Check("filesystem", CRITICAL, f"The data folder cannot be written: {error.strerror}.", detail)
    secret = home / "secret_key"
    if secret.exists() and stat.S_IMODE(secret.stat().st_mode) & 0o077:
        return Check("filesystem", DEGRADED, "Others can read the secret key. Set its mode to 0600.", detail)
    return Check("filesystem", HEALTHY, "The data folder can be written.", detail)


def lake(*, deep: bool) -> Check:
    """Whether the readings are there, agree with the registry's batches, and (deep) can be read through."""
    from eclectyc.batches.models import Batch
    from eclectyc.lake.store import connect

    store = connect()
    last = store.last_batch()
    done = _last_done(Batch)
    detail: dict[str, Any] = {"url": str(settings.LAKE_URL), "last_batch": last, "last_registered": done}
    if done > last:
        message = "The lake is empty or gone" if not last else "The lake is older than the registry"
        return Check("lake", CRITICAL, f"{message}: batch {done} is done but not in it. Restore a backup.", detail)
    problems = [str(problem) for problem in store.check()] if deep else []
    if problems:
        message = f"{counted(len(problems), 'problem')}: {problems[0]}"
        return Check("lake", CRITICAL, message, detail | {"problems": problems[:20]})
    if not last:
        return Check("lake", HEALTHY, "There are no readings yet.", detail)
    return Check("lake", HEALTHY, f"The lake answers; it holds batches up to {last}.", detail)


def _last_done(batch: Any) -> int:
    """The last batch that must be in the lake: done, and with readings that it wrote there."""
    found = batch.objects.filter(state=batch.DONE, added__gt=0).order_by("-pk").values_list("pk", flat=True).first()
    return int(found or 0)


def memory(free: Callable[[], tuple[int, int] | None] | None = None) -> Check:
    """Memory that is free for work, of the whole [bytes]."""
    known = (free or _memory)()
    if known is None:
        return Check("memory", HEALTHY, "How much memory is free is not known on this platform.")
    available, total = known
    percent = 100 * available / total
    detail = {"available_bytes": available, "total_bytes": total}
    status = DEGRADED if percent < MEMORY_LEAST_FREE_PERCENT else HEALTHY
    return Check("memory", status, f"{percent:.0f} % of {total / 2**30:.1f} GiB is free.", detail)


def _memory() -> tuple[int, int] | None:
    """Return (available, total) [bytes]: of the container where it is limited, else of the machine."""
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


def disk(folder: Path, usage: Callable[[Path], Any] = shutil.disk_usage) -> Check:
    """How full the disk of the data is, as ``df`` counts it."""
    found = usage(folder)
    percent = 100 * found.used / max(found.used + found.free, 1)
    detail = {"folder": str(folder), "used_percent": round(percent, 1), "free_bytes": found.free}
    message = f"{percent:.0f} % of the disk is used; {found.free / 2**30:.1f} GiB is free."
    if found.free < DISK_LEAST_FREE:
        return Check("disk", CRITICAL, f"{message} Imports will fail: make room.", detail)
    if percent >= DISK_FULL_PERCENT:
        return Check("disk", DEGRADED, f"{message} Make room soon.", detail)
    return Check("disk", HEALTHY, message, detail)


def _disk_folder() -> Path:
    return settings.HOME if settings.HOME.is_dir() else Path(sys.prefix)


def imports(now: datetime) -> Check:
    """How long ago the last import ended, and whether one has been left in the middle."""
    from eclectyc.batches.models import Batch

    stuck = Batch.objects.filter(state__in=(Batch.PENDING, Batch.COMMITTED), created_at__lt=now - PENDING_LONG)
    if left := list(stuck.values_list("pk", flat=True)[:20]):
        return Check("imports", DEGRADED, f"Left in the middle: {counted(len(left), 'import')}.", {"batches": left})
    last = Batch.objects.filter(state=Batch.DONE, kind=Batch.IMPORT).order_by("-pk").first()
    if last is None:
        return Check("imports", HEALTHY, "Nothing has been imported yet.")
    age = now - (last.finished_at or last.created_at)
    detail = {"batch": last.pk, "age_hours": round(age.total_seconds() / 3600, 1)}
    message = f"The last import was {_ago(age)} ago."
    return Check("imports", DEGRADED if age > IMPORT_OLD else HEALTHY, message, detail)


def pushes(now: datetime) -> Check:
    """How much of what was pushed waits to be stored, and whether it waits for somebody."""
    from eclectyc.intake.push.inbox import summary

    found = summary(now)
    detail = asdict(found)
    if found.faulty:
        message = f"Refused by the lake: {counted(found.faulty, 'push', 'pushes')}. They are kept, and tried hourly."
        return Check("pushes", DEGRADED, message, detail)
    if not found.pushes:
        return Check("pushes", HEALTHY, "No pushed readings wait.", detail)
    waiting = f"{counted(found.readings, 'pushed reading')} {worded(found.readings, 'waits', 'wait')} to be stored"
    if found.oldest_s > PUSH_WAITS_LONG_S:
        message = f"{waiting}, the first for {_ago(timedelta(seconds=found.oldest_s))}. Is eclectyc worker running?"
        return Check("pushes", DEGRADED, message, detail)
    return Check("pushes", HEALTHY, f"{waiting}.", detail)


def derived(now: datetime) -> Check:
    """How much that rests on other readings waits to be worked out anew, and whether it waits for somebody."""
    from eclectyc.derived.invalidation import summary

    found = summary(now)
    detail = asdict(found)
    if found.faulty:
        message = f"Could not be worked out: {counted(found.faulty, 'span')} of derived series. Tried again by itself."
        return Check("derived", DEGRADED, message, detail)
    if not found.meters:
        return Check("derived", HEALTHY, "Derived series are up to date.", detail)
    waiting = f"{counted(found.meters, 'derived meter')} {worded(found.meters, 'waits', 'wait')} to be worked out anew"
    if found.oldest_s > DERIVED_WAITS_LONG_S:
        ago = _ago(timedelta(seconds=found.oldest_s))
        message = f"{waiting}, the first for {ago}. Run eclectyc aggregate --all, or start eclectyc worker."
        return Check("derived", DEGRADED, message, detail)
    return Check("derived", HEALTHY, f"{waiting}.", detail)


def jobs() -> Check:
    """Whether background work goes on: what waits, what is stuck, how much fails."""
    from eclectyc.jobs.health import summary

    found = summary()
    detail = asdict(found) | {"failure_share": found.failure_share}
    if found.stuck:
        return Check("jobs", DEGRADED, f"{_jobs(len(found.stuck), 'is', 'are')} stuck: no word of the worker.", detail)
    if found.oldest_due_s > DUE_LONG.total_seconds() or found.late:
        why = f"the oldest for {_ago(timedelta(seconds=found.oldest_due_s))}" if found.due else "schedules are late"
        who = "" if found.workers else " No worker runs: start eclectyc worker."
        return Check("jobs", DEGRADED, f"{_jobs(found.due, 'waits', 'wait')} for a worker, {why}.{who}", detail)
    if found.failed_24h >= FAILED_MANY and found.failure_share is not None and found.failure_share >= FAILED_SHARE:
        told = f"{found.failed_24h} of {counted(found.ended_24h, 'job')} failed in a day."
        return Check("jobs", DEGRADED, told, detail)
    running = f"{found.running} {worded(found.running, 'runs', 'run')}"
    return Check("jobs", HEALTHY, f"{_jobs(found.waiting, 'waits', 'wait')}, {running}.", detail)


def _jobs(count: int, one: str, many: str) -> str:
    return f"{counted(count, 'job')} {worded(count, one, many)}"


def audit(now: datetime, *, deep: bool) -> Check:
    """Whether what happened is sealed into the audit's chain in time, and can be."""
    from eclectyc.audit.seal_lag import lateness

    found = lateness(deep=deep)
    detail = {"events_since": found.events_since, "notes_since": found.notes_since}
    if found.fault:
        return Check("audit", DEGRADED, found.fault, detail)
    age = now - found.since if found.since else timedelta(0)
    if age > SEALING_LATE:
        message = f"What happened {_ago(age)} ago is not sealed yet. Start the web, or run eclectyc audit verify."
        return Check("audit", DEGRADED, message, detail)
    return Check("audit", HEALTHY, "The audit is sealed up to now.", detail)


def _ago(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    if hours < 1:
        return counted(max(0, int(hours * 60)), "minute")
    return counted(int(hours), "hour") if hours < 48 else counted(age.days, "day")
