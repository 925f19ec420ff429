"""Readings pushed through the service, as an API would, and what then is held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import User
from eclectyc.estate.models import Meter
from eclectyc.intake.push.message import Message
from eclectyc.intake.push.service import Answer, push_readings
from tests.factories import World


def at(text: str) -> datetime:
    """Return a UTC moment: ``at("2025-06-01 00:30")``."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def reading(start: datetime | str, value: object, **more: object) -> dict[str, Any]:
    """Return one reading as JSON has it."""
    return {"start": start.isoformat() if isinstance(start, datetime) else start, "value": value, **more}


def readings_of(slots: Mapping[datetime, float], **more: object) -> list[dict[str, Any]]:
    """Return readings of some slots."""
    return [reading(start, value, **more) for start, value in slots.items()]


def push(
    world: World,
    readings: Iterable[dict[str, Any]],
    *,
    meter: Meter | None = None,
    user: User | None = None,
    **fields: Any,
) -> Answer:
    """Push as the organisation's administrator, kWh of import unless told otherwise."""
    document = {"quantity": "import", "unit": "kWh", "readings": list(readings)} | fields
    actor = Actor.of(user or world.admin)
    return push_readings(actor, meter=meter or world.meter, message=Message.from_document(document))


def counts(answer: Answer) -> tuple[int, int, int, int, int]:
    """Return added, changed, unchanged, kept and how many were rejected."""
    return answer.added, answer.changed, answer.unchanged, answer.kept, len(answer.rejected)
