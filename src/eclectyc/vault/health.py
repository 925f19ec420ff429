"""Health check: whether the key file has the keys of the stored secrets."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.conf import settings

from eclectyc.kernel.health import DEGRADED, HEALTHY, CheckResult
from eclectyc.vault.key_check import key_fault


def vault(*, now: datetime, deep: bool) -> CheckResult:
    """Check that ``vault.key`` decrypts the stored secrets; a deep check looks at all of them."""
    fault = key_fault(Path(settings.HOME), deep=deep)
    if fault is not None:
        return CheckResult(DEGRADED, str(fault))
    return CheckResult(HEALTHY, "The vault's key fits the stored secrets.")
