"""A column that is sealed in the database and readable in the program.

Its value never appears in a ``repr``, it cannot be searched or sorted by, and serialisers get the sealed text.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from eclectyc.vault.errors import VaultError
from eclectyc.vault.sealing import open as open_sealed
from eclectyc.vault.sealing import seal


class Secret(str):
    """A text that prints as dots. Call ``reveal()`` only where the secret is used."""

    __slots__ = ()

    def reveal(self) -> str:
        return str.__str__(self)

    def __repr__(self) -> str:
        return "Secret(…)" if len(self) else "Secret()"

    def __str__(self) -> str:
        return "…" if len(self) else ""

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


class UnreadableSecret(Secret):
    """A stored secret that cannot be opened. Its row can still be read and saved, which keeps it as it is."""

    reason: VaultError
    sealed: str

    def __new__(cls, sealed: str, reason: VaultError) -> UnreadableSecret:
        found = super().__new__(cls, "…")
        found.sealed, found.reason = sealed, reason
        return found

    def reveal(self) -> str:
        raise self.reason


class EncryptedText(models.TextField):
    """Text sealed by the vault. Empty text stays empty, and needs no key."""

    def get_prep_value(self, value: Any) -> str | None:
        if value is None or len(value) == 0:
            return value if value is None else ""
        if isinstance(value, UnreadableSecret):
            return value.sealed
        plain = value.reveal() if isinstance(value, Secret) else str(value)
        return seal(plain, purpose=self._purpose)

    def from_db_value(self, value: str | None, expression: object, connection: BaseDatabaseWrapper) -> Secret | None:
        if not value:
            return None if value is None else Secret("")
        try:
            return Secret(open_sealed(value, purpose=self._purpose).decode())
        except VaultError as error:
            return UnreadableSecret(value, error)

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        return self.get_prep_value(self.value_from_object(obj)) or ""

    def get_lookup(self, lookup_name: str) -> Any:
        """Refuse comparisons: the same secret is sealed differently each time."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    @property
    def _purpose(self) -> str:
        return f"{self.model._meta.label_lower}.{self.name}"
