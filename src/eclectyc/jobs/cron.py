"""When a schedule is due: cron text in a time zone, as Debian's cron reads it. No clock: moments are arguments.

On the night on which clocks go forward, a fixed time in the hour that is left out is due when that hour would have
ended; on the night on which they go back, it is due once, at the first of the two. What is due every so often (``*`` or
``*/n`` in the hours) follows the hours as they pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from eclectyc.kernel.errors import Invalid

MINUTE = timedelta(minutes=1)
_FIRST_LOOK = 60 * MINUTE


def check(cron: str, zone: str) -> None:
    """Raise ``Invalid`` unless these are a cron text of five fields that is due now and then, and a time zone."""
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"There is no time zone {zone[:60]!r}.", "Write it as Europe/London.", field="zone") from None
    if len(cron.split()) != 5 or len(cron) > 100:
        raise Invalid(
            "A schedule has five fields: minute, hour, day, month, weekday.", "30 3 * * * is daily at 03:30.",
            field="cron",
        )  # fmt: skip
    try:
        next(CronSim(cron, datetime(2025, 1, 1, tzinfo=where)))
    except CronSimError as error:
        raise Invalid(f"The schedule cannot be read: {error}.", "30 3 * * * is daily at 03:30.", field="cron") from None
    except StopIteration:
        raise Invalid("The schedule is never due.", "See its day and month.", field="cron") from None


def words(cron: str) -> str:
    """Return a cron text in English.

    >>> words("30 3 * * *"), words("*/15 * * * *")
    ('At 03:30 every day', 'Every 15 minutes')
    """
    often = re.fullmatch(r"\*/([0-9]{1,2}) \* \* \* \*", " ".join(cron.split()))
    if often and 60 % int(often[1]) == 0 and int(often[1]) > 1:
        return f"Every {int(often[1])} minutes"
    return CronSim(cron, datetime(2025, 1, 1, tzinfo=UTC)).explain()


def due(cron: str, zone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the moments [UTC] that are due after one moment and up to another, in order, each once."""
    last = after.astimezone(UTC)
    for local in CronSim(cron, after.astimezone(ZoneInfo(zone))):
        moment = local.astimezone(UTC)
        if moment > until:
            return
        if moment > last:  # in the hour that comes twice, cron's wall clock steps back behind `after`
            yield (last := moment)


def next_after(cron: str, zone: str, after: datetime) -> datetime | None:
    """Return the first moment [UTC] after another; None where there is none."""
    return next(due(cron, zone, after, datetime(9998, 1, 1, tzinfo=UTC)), None)


def latest(cron: str, zone: str, after: datetime, until: datetime, count: int) -> list[datetime]:
    """Return the last ``count`` moments of a span, in order. However long the span, only its end is gone through."""
    look = _FIRST_LOOK
    while True:
        start = max(after, until - look)
        found = list(due(cron, zone, start, until))
        if len(found) >= count or start == after:
            return found[-count:] if count else []
        look *= 4
