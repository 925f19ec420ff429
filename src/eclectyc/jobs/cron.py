"""When a schedule is due: a cron expression in a time zone, with the rules of Debian's cron. Pure.

On the night when clocks go forward, a fixed time in the skipped hour is due when that hour would have ended; when they
go back, it is due once, at the first of the two. Repeated times (``*`` or ``*/n`` in the hours) follow elapsed hours.
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
    """Raise ``Invalid`` unless these are a five-field cron expression that is due at some time, and a time zone."""
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            f"There is no time zone {zone[:60]!r}.", "Use a name such as Europe/London.", field="zone"
        ) from None
    if len(cron.split()) != 5 or len(cron) > 100:
        raise Invalid(
            "A schedule has five fields: minute, hour, day, month, weekday.",
            "30 3 * * * is daily at 03:30.",
            field="cron",
        )
    try:
        next(CronSim(cron, datetime(2025, 1, 1, tzinfo=where)))
    except CronSimError as error:
        raise Invalid(f"The schedule cannot be read: {error}.", "30 3 * * * is daily at 03:30.", field="cron") from None
    except StopIteration:
        raise Invalid("The schedule is never due.", "Check its day and month.", field="cron") from None


def words(cron: str) -> str:
    """Return a cron expression in English.

    >>> words("30 3 * * *"), words("*/15 * * * *")
    ('At 03:30 every day', 'Every 15 minutes')
    """
    often = re.fullmatch(r"\*/([0-9]{1,2}) \* \* \* \*", " ".join(cron.split()))
    if often and 60 % int(often[1]) == 0 and int(often[1]) > 1:
        return f"Every {int(often[1])} minutes"
    return CronSim(cron, datetime(2025, 1, 1, tzinfo=UTC)).explain()


def due(cron: str, zone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the due times [UTC] after one time up to and including another, in order, each once."""
    last = after.astimezone(UTC)
    for local in CronSim(cron, after.astimezone(ZoneInfo(zone))):
        moment = local.astimezone(UTC)
        if moment > until:
            return
        if moment > last:  # in the repeated hour cron's wall clock goes back before `after`
            yield (last := moment)


def next_after(cron: str, zone: str, after: datetime) -> datetime | None:
    """Return the first due time [UTC] after another; None if it is never due again."""
    return next(due(cron, zone, after, datetime(9998, 1, 1, tzinfo=UTC)), None)


def latest(cron: str, zone: str, after: datetime, until: datetime, count: int) -> list[datetime]:
    """Return the last ``count`` due times of a span, in order. Only the end of a long span is searched."""
    look = _FIRST_LOOK
    while True:
        start = max(after, until - look)
        found = list(due(cron, zone, start, until))
        if len(found) >= count or start == after:
            return found[-count:] if count else []
        look *= 4
