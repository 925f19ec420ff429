"""Health: the status for everyone, the checks for administrators."""

from __future__ import annotations

import logging

from django.db import DatabaseError
from django.http import HttpRequest
from ninja import Router
from ninja.responses import Status

from eclectyc.api.authentication import identify
from eclectyc.api.schemas import CheckOut, ErrorOut, HealthOut, refuse_unknown

log = logging.getLogger(__name__)
router = Router(tags=["health"])
STATUS = {"healthy": 200, "degraded": 207, "critical": 503}


@router.get(
    "/health",
    auth=None,
    response={200: HealthOut, 207: HealthOut, 503: HealthOut, 401: ErrorOut, 403: ErrorOut, 422: ErrorOut},
    summary="Health",
    exclude_none=True,
)
def health(request: HttpRequest) -> Status[HealthOut]:
    """``healthy`` (200), ``degraded`` (207) or ``critical`` (503); its checks for a signed-in administrator."""
    from eclectyc.operations import health as operations

    refuse_unknown(request, ())
    is_administrator = _may_see_checks(request)
    report = operations.report(deep=False)
    checks = [CheckOut(name=c.name, status=c.status, message=c.message, detail=c.detail) for c in report.checks]
    return Status(STATUS[report.status], HealthOut(status=report.status, checks=checks if is_administrator else None))


def _may_see_checks(request: HttpRequest) -> bool:
    """Return whether an administrator asks; without the registry that is unknown, and only the status is given."""
    try:
        return identify(request).may_somewhere("system.view")
    except DatabaseError:
        log.exception("health was requested, and the registry did not answer who by")
        return False
