"""Small long files of one meter, slot by slot from the morning of 6 January 2025 in London."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

METER = "1200023305967"
START = datetime(2025, 1, 6, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)


def at(slot: int) -> datetime:
    return START + slot * HALF_HOUR


def long(*rows: tuple[int, object], meter: str = METER, header: str = "MPAN,Start,kWh") -> str:
    """Rows of (slot, value) or (slot, "value,flag")."""
    return "\n".join([header, *(f"{meter},{at(slot):%d/%m/%Y %H:%M},{value}" for slot, value in rows)]) + "\n"


FLAGGED = "MPAN,Start,kWh,Flag"
