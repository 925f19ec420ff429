"""The lake's law, slot by slot and slowly: what a day must be after any imports and undoings.

Written from the rules in words ("What replaces what"), not from the lake's code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

MISSING, ACTUAL, ESTIMATED, SUBSTITUTED, DERIVED, UNFLAGGED = range(6)

Slot = tuple[float | None, int]  # value and quality
Day = tuple[int, date]  # series and day
Claim = dict[Day, list[Slot]]

NOTHING: Slot = (None, MISSING)


def lay_slot(held: Slot, said: Slot, rule: str) -> tuple[Slot, str]:
    """Return what is laid when something is said over what is held, and what that is called."""
    value, quality = said
    if quality == MISSING:
        return held, ""
    laid = (value, ACTUAL if quality == UNFLAGGED else quality)
    if held == NOTHING:
        return laid, "added"
    verdict = "unchanged" if laid == held else "changed"
    if rule == "last_wins" or quality == ACTUAL:
        return laid, verdict
    if quality == UNFLAGGED:
        return (held, "unchanged") if value == held[0] else (laid, verdict)
    may = held[1] == SUBSTITUTED if quality == SUBSTITUTED else held[1] in (ESTIMATED, SUBSTITUTED, DERIVED)
    return (laid, verdict) if may else (held, "kept")


@dataclass
class History:
    """Imports and undoings in order; what each batch said is never forgotten."""

    said: dict[int, tuple[Claim, str]] = field(default_factory=dict)
    undone: dict[int, int] = field(default_factory=dict)  # batch → the undoing's number
    last: int = 0

    def write(self, claim: Claim, rule: str) -> dict[str, int]:
        """Note an import; return its counts."""
        before = self.state(self.last)
        self.last += 1
        speaking = {day: slots for day, slots in claim.items() if any(q != MISSING for _, q in slots)}
        self.said[self.last] = (speaking, rule)
        counts = dict.fromkeys(("added", "changed", "unchanged", "kept"), 0)
        for day, slots in speaking.items():
            held = before.get(day, [NOTHING] * len(slots))
            for one, other in zip(held, slots, strict=True):
                verdict = lay_slot(one, other, rule)[1]
                if verdict:
                    counts[verdict] += 1
        return counts

    def undo(self, batch: int) -> None:
        """Note that a batch is taken back."""
        self.last += 1
        self.undone.setdefault(batch, self.last)

    def state(self, known_at: int) -> dict[Day, list[Slot]]:
        """Return each day as it was known after a batch."""
        days: dict[Day, list[Slot]] = {}
        for batch, (claim, rule) in sorted(self.said.items()):
            if batch > known_at or self.undone.get(batch, known_at + 1) <= known_at:
                continue
            for day, slots in claim.items():
                held = days.get(day, [NOTHING] * len(slots))
                days[day] = [lay_slot(one, other, rule)[0] for one, other in zip(held, slots, strict=True)]
        return days
