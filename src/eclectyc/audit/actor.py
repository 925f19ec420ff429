"""Who acts, as the audit needs to know it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuditActor:
    """A person by number and label, or nobody in particular; ``origin`` is where the request came from."""

    user_id: int | None = None
    label: str = ""
    origin: str = ""
