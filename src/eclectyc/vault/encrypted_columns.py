"""The columns of the registry that contain sealed texts, so that all can be sealed again with another key.

Columns of ``EncryptedText`` are found automatically; any other column has to be registered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.db.models import F, Model, TextField, Value
from django.db.models.functions import Cast

from eclectyc.vault.fields import EncryptedText
from eclectyc.vault.sealed_text import is_sealed

AT_ONCE: Final = 200  # rows read, and changed in one transaction


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """A column with sealed texts: one in each row or, in JSON, any number at any depth."""

    model: type[Model]
    field: str
    purpose: str = ""
    is_json: bool = False

    @property
    def name(self) -> str:
        """Its name: label.model.field."""
        return f"{self.model._meta.label_lower}.{self.field}"

    def rows(self, after: Any, *, for_update: bool = False) -> list[tuple[Any, Any]]:
        """Return the next rows as (key, stored value), still sealed. after : the last key seen, or None."""
        kept = F(self.field) if self.is_json else Cast(F(self.field), TextField())
        found = self.model._base_manager.order_by("pk").annotate(kept=kept)
        if after is not None:
            found = found.filter(pk__gt=after)
        if for_update:
            found = found.select_for_update(of=("self",), no_key=True)
        return list(found.values_list("pk", "kept")[:AT_ONCE])

    def values(self) -> Iterator[Any]:
        """Yield the stored values, still sealed, reading no more rows at once than ``AT_ONCE``."""
        after = None
        while rows := self.rows(after):
            yield from (kept for _, kept in rows)
            after = rows[-1][0]

    def store(self, key: Any, kept: Any) -> None:
        """Store a value, already sealed, in a row."""
        value = kept if self.is_json else Value(kept, output_field=TextField())
        self.model._base_manager.filter(pk=key).update(**{self.field: value})


_registered: dict[str, EncryptedColumn] = {}


def register(column: EncryptedColumn) -> None:
    """Register a column with sealed texts that is no ``EncryptedText``."""
    _registered[column.name] = column


def columns(models: Iterable[type[Model]] | None = None) -> list[EncryptedColumn]:
    """Return every column with sealed texts: of these models, or of all models and those registered."""
    found = {column.name: column for column in (_registered.values() if models is None else ())}
    for model in apps.get_models() if models is None else models:
        for field in model._meta.local_fields:
            if isinstance(field, EncryptedText):
                column = EncryptedColumn(model, field.name, purpose=f"{model._meta.label_lower}.{field.name}")
                found[column.name] = column
    return sorted(found.values(), key=lambda column: column.name)


def sealed_in(kept: Any) -> Iterator[str]:
    """Yield every sealed text in a stored value."""
    if isinstance(kept, str):
        if is_sealed(kept):
            yield kept
    elif isinstance(kept, dict | list):
        for part in kept.values() if isinstance(kept, dict) else kept:
            yield from sealed_in(part)


def replace_each(kept: Any, fresh: Callable[[str], str]) -> Any:
    """Return a stored value with every sealed text replaced."""
    if isinstance(kept, str):
        return fresh(kept) if is_sealed(kept) else kept
    if isinstance(kept, dict):
        return {name: replace_each(part, fresh) for name, part in kept.items()}
    return [replace_each(part, fresh) for part in kept] if isinstance(kept, list) else kept
