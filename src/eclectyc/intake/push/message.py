"""The message of a push: readings of one quantity, in one unit. A fault of the message rejects all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from eclectyc.estate.models import Quantity
from eclectyc.kernel.days import STEPS
from eclectyc.kernel.errors import Invalid

MOST_READINGS: Final = 10_000
FIELDS: Final = ("quantity", "unit", "step", "readings")


@dataclass(frozen=True, slots=True)
class Message:
    """A push as sent. ``step`` is None if not given; ``readings`` are not checked yet."""

    quantity: str
    unit: str
    step: int | None
    readings: list[Any]

    @classmethod
    def from_document(cls, document: Any) -> Message:
        """Return the message of a JSON document; raise ``Invalid`` with the field that is wrong."""
        if not isinstance(document, dict):
            raise Invalid("A push must be a JSON object.", f"Send {', '.join(FIELDS)}.")
        unknown = sorted(document.keys() - set(FIELDS))
        if unknown:
            name = unknown[0][:80]
            raise Invalid(f"A push has no field {name!r}.", f"Use {', '.join(FIELDS)}.", field=name)
        return cls(
            _text(document, "quantity", Quantity.values),
            _text(document, "unit"),
            _step(document.get("step")),
            _readings(document),
        )


def _text(document: dict[str, Any], name: str, known: list[str] | None = None) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 40:
        raise Invalid(f"{name} is missing, or is not text.", "Send for example import, and kWh.", field=name)
    if known is not None and value not in known:
        raise Invalid(f"There is no quantity {value!r}.", f"Use one of {', '.join(known)}.", field=name)
    return value


def _step(value: Any) -> int | None:
    if value is None or (type(value) is int and value in STEPS):
        return value
    known = ", ".join(str(step) for step in STEPS)
    raise Invalid("This is not a supported step.", f"Send minutes: {known}; or leave it out.", field="step")


def _readings(document: dict[str, Any]) -> list[Any]:
    value = document.get("readings")
    if not isinstance(value, list):
        raise Invalid("readings is missing, or is not a list.", "Send a list of start and value.", field="readings")
    if len(value) > MOST_READINGS:
        reason = f"The push has {len(value):,} readings; at most {MOST_READINGS:,} are allowed."
        raise Invalid(reason, "Send them in several pushes.", field="readings")
    return value
