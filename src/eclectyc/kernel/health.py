"""The answer of a health check. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

HEALTHY: Final = "healthy"
DEGRADED: Final = "degraded"
CRITICAL: Final = "critical"
STATUSES: Final = (HEALTHY, DEGRADED, CRITICAL)  # the worst is last


@dataclass(frozen=True, slots=True)
class CheckResult:
    """``status`` is one of ``STATUSES``; ``detail`` is for administrators only."""

    status: str
    message: str
    detail: dict[str, Any] = field(default_factory=dict)


class HealthCheck(Protocol):
    """One question about this installation, registered under its name with ``hooks.health_checks``."""

    def __call__(self, *, now: datetime, deep: bool) -> CheckResult:
        """Answer it. A quick check is made many times a minute; a deep one may write, and read the lake's files."""
        ...
