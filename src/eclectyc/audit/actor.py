"""The actor as the audit records it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuditActor:
    """A person by number and label, or without both the system itself. origin : where the request came from."""

    user_id: int | None = None
    label: str = ""
    origin: str = ""
