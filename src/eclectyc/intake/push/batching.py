"""Which of the waiting pushes make one batch: those of one person to one organisation, in an order that holds. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

MOST_PUSHES: Final = 5_000
MOST_READINGS: Final = 500_000


class WaitingPush(NamedTuple):
    """A push in the inbox, without what it says."""

    pk: int
    organisation: int
    user: int | None
    series: int
    readings: int


def next_batch(waiting: Iterable[WaitingPush], most_pushes: int = MOST_PUSHES) -> list[WaitingPush]:
    """Return the pushes that the next batch takes, given all that wait in order.

    The oldest one says whose batch it is. A push that stays behind holds back every later one of its series.
    """
    taken: list[WaitingPush] = []
    behind: set[int] = set()
    readings = 0
    for push in waiting:
        is_theirs = not taken or (push.organisation, push.user) == (taken[0].organisation, taken[0].user)
        is_too_much = bool(taken) and readings + push.readings > MOST_READINGS
        if not is_theirs or is_too_much or push.series in behind:
            behind.add(push.series)
            continue
        taken.append(push)
        readings += push.readings
        if len(taken) == most_pushes:
            break
    return taken
