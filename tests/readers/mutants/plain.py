"""What a plain reader says of a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


class Key(NamedTuple):
    """One slot of one series; ``start`` in UTC."""

    meter: str
    quantity: str
    register: str
    unit: str
    start: datetime


class Claim(NamedTuple):
    """What one place in the file says of a slot. value : in the slot's unit. is_sure : there is no other reading."""

    value: float
    quality: int
    line: int
    is_sure: bool = True


@dataclass
class Expected:
    """All that a file can be said to say.

    slots : what may be stored in each, by whom it is told. is_vague : the plain reader does not know how to read this
    file, so that only its numbers are compared. must_refuse : nothing of it may go in.
    """

    slots: dict[Key, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    is_vague: bool = False
    why_vague: str = ""
    must_refuse: bool = False

    def add(self, keys: Iterable[Key], values: Iterable[float], qualities: Iterable[int], line: int, *,
            sure: bool = True) -> None:  # fmt: skip
        """Say that each of these values may stand in each of these slots."""
        claims = [(value, quality) for value in values for quality in qualities]
        keys = list(keys)
        for key in keys:
            for value, quality in claims:
                self.slots[key].append(Claim(value, quality, line, sure and len(keys) == len(claims) == 1))

    def vague(self, why: str) -> Expected:
        """Say that this file is beyond the plain reader."""
        self.is_vague, self.why_vague = True, why
        return self


def possible_claims(claims: list[Claim]) -> list[Claim]:
    """Return which of the claims on one slot may win: an equal value once, of different ones the actual one, else none.

    Where some claim is unsure, any may.
    """
    if not all(claim.is_sure for claim in claims) or len({claim.value for claim in claims}) == 1:
        return claims
    actual = [claim for claim in claims if claim.quality == 1]
    return actual if len({claim.value for claim in actual}) == 1 else []
