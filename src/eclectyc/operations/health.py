"""The state of this installation: one check per question, each with its own status; the worst is the whole's.

Rooms register their checks with ``kernel.hooks.health_checks``; those of the machine are in
:mod:`eclectyc.operations.machine`. The quick report (for ``/api/health``, many times a minute) only looks; the deep one
also tries to write, and reads the lake's files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.utils import timezone

from eclectyc import __version__
from eclectyc.kernel.health import CRITICAL, HEALTHY, STATUSES
from eclectyc.kernel.hooks import health_checks


@dataclass(frozen=True, slots=True)
class NamedCheck:
    """One question and its answer. ``detail`` is for administrators only."""

    name: str
    status: str
    message: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HealthReport:
    """``status`` is the worst of the checks'."""

    status: str
    checks: list[NamedCheck]

    @classmethod
    def from_checks(cls, checks: Iterable[NamedCheck]) -> HealthReport:
        done = list(checks)
        return cls(max((c.status for c in done), key=STATUSES.index, default=HEALTHY), done)

    @property
    def exit_code(self) -> int:
        """0 healthy, 1 degraded, 2 critical."""
        return STATUSES.index(self.status)

    def as_json(self) -> dict[str, Any]:
        return {"status": self.status, "version": __version__, "checks": [asdict(c) for c in self.checks]}


def report(deep: bool = True) -> HealthReport:
    """Run every check. One that raises is critical with its error; the others still run."""
    now = timezone.now()
    return HealthReport.from_checks(_run(name, now=now, deep=deep) for name in health_checks.names())


def _run(name: str, *, now: datetime, deep: bool) -> NamedCheck:
    try:
        result = health_checks.load(name)(now=now, deep=deep)
        return NamedCheck(name, result.status, result.message, result.detail)
    except DatabaseError:
        return NamedCheck(name, CRITICAL, "Unknown: the registry does not answer.")
    except Exception as error:  # a failing check must not hide the others
        return NamedCheck(name, CRITICAL, f"The check itself failed: {type(error).__name__}: {error}")
