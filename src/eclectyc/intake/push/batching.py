"""Choose the waiting pushes of the next batch: those of one user to one organisation, in a safe order. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

MOST_PUSHES: Final = 5_000
MOST_READINGS: Final = 500_000


class WaitingPush(NamedTuple):
    """A push in the inbox, without its readings."""

    pk: int
    organisation: int
    user: int | None
    series: int
    readings: int


def next_batch(waiting: Iterable[WaitingPush], most_pushes: int = MOST_PUSHES) -> list[WaitingPush]:
    """Return the pushes of the next batch, given all that wait in order.

    The oldest one decides user and organisation. A push that is left for later holds back all later ones of its series.
    """
    chosen: list[WaitingPush] = []
    behind: set[int] = set()
    readings = 0
    for push in waiting:
        is_theirs = not chosen or (push.organisation, push.user) == (chosen[0].organisation, chosen[0].user)
        is_too_much = bool(chosen) and readings + push.readings > MOST_READINGS
        if not is_theirs or is_too_much or push.series in behind:
            behind.add(push.series)
            continue
        chosen.append(push)
        readings += push.readings
        if len(chosen) == most_pushes:
            break
    return chosen
