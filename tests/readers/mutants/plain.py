"""The contents of a file according to a plain reader."""

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
    """A slot's value at one place in the file. value : in the slot's unit. is_sure : it has no other interpretation."""

    value: float
    quality: int
    line: int
    is_sure: bool = True


@dataclass
class Expected:
    """All that may be stored from a file.

    slots : the claims on each slot. is_vague : the plain reader cannot read this file, so that only its numbers are
    compared. must_refuse : nothing of it may be imported.
    """

    slots: dict[Key, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    is_vague: bool = False
    why_vague: str = ""
    must_refuse: bool = False

    def add(self, keys: Iterable[Key], values: Iterable[float], qualities: Iterable[int], line: int, *,
            sure: bool = True) -> None:  # fmt: skip
        """Add a claim for each of these values in each of these slots."""
        claims = [(value, quality) for value in values for quality in qualities]
        keys = list(keys)
        for key in keys:
            for value, quality in claims:
                self.slots[key].append(Claim(value, quality, line, sure and len(keys) == len(claims) == 1))

    def vague(self, why: str) -> Expected:
        """Mark the file as one that the plain reader cannot read."""
        self.is_vague, self.why_vague = True, why
        return self


def possible_claims(claims: list[Claim]) -> list[Claim]:
    """Return the claims on one slot that may win: equal values, or the only actual one of different values, else none.

    If some claim is unsure, any may win.
    """
    if not all(claim.is_sure for claim in claims) or len({claim.value for claim in claims}) == 1:
        return claims
    actual = [claim for claim in claims if claim.quality == 1]
    return actual if len({claim.value for claim in actual}) == 1 else []
