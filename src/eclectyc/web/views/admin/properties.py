"""A site's custom fields as rows of a form: name, type, value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from eclectyc.estate.properties import KINDS, MOST

LABELS: Final = {"text": "Text", "number": "Number", "date": "Date", "yes_no": "Yes or no"}
BLANK: Final = 2


@dataclass(frozen=True, slots=True)
class PropertyRow:
    """A custom field as typed."""

    name: str = ""
    kind: str = "text"
    value: str = ""

    @property
    def kinds(self) -> list[tuple[str, str, bool]]:
        """The kinds to choose from, and which one it is."""
        return [(kind, LABELS[kind], kind == self.kind) for kind in KINDS]


def rows_of(properties: Mapping[str, Any]) -> list[PropertyRow]:
    """Return what a site has."""
    return [PropertyRow(name, one["kind"], _typed(one["value"])) for name, one in properties.items()]


def rows_sent(request: HttpRequest) -> list[PropertyRow]:
    """Return what was typed; a row without a name is left out."""
    sent = [request.POST.getlist(f"property_{part}")[: MOST + 1] for part in ("name", "kind", "value")]
    return blank_rows([PropertyRow(*row) for row in zip(*sent, strict=False) if any(row[::2])])


def blank_rows(rows: Sequence[PropertyRow]) -> list[PropertyRow]:
    """Return rows with some empty ones below."""
    return [*rows, *(PropertyRow() for _ in range(BLANK))]


def values_of(rows: Sequence[PropertyRow]) -> dict[str, Any]:
    """Return rows as the service takes them."""
    return {row.name: {"kind": row.kind, "value": row.value} for row in rows if row.name or row.value}


def _typed(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
