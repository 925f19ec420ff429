"""Give up the secrets whose key is lost, so that others can be entered with a new key."""

from __future__ import annotations

import secrets
from base64 import b32encode
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from django.db import transaction

from eclectyc.vault import keys
from eclectyc.vault.encrypted_columns import EncryptedColumn, replace_each
from eclectyc.vault.sealed_text import key_name
from eclectyc.vault.sealing import seal_with


def give_up_lost(columns: Sequence[EncryptedColumn], home: Path) -> tuple[keys.VaultKey, Counter[str]]:
    """Replace every text whose key is not in the file; return the newest key, and how many of each column.

    A column of one secret becomes empty: it is missing, and its owner enters it again. In a second factor it becomes a
    random secret that no one knows, so that a password alone still does not sign in.
    """
    newest = keys.newest(home)
    known = {key.name for key in keys.keys(home)}
    lost: Counter[str] = Counter()
    for column in columns:
        after = None
        while rows := column.rows(after):
            lost[column.name] += _replace_part(column, after, newest, known)
            after = rows[-1][0]
    return newest, +lost


def _replace_part(column: EncryptedColumn, after: object, newest: keys.VaultKey, known: set[str]) -> int:
    count = 0

    def fresh(text: str) -> str:
        nonlocal count
        if key_name(text) in known:
            return text
        count += 1
        return seal_with(newest, _nobodys(), purpose=column.purpose) if column.is_json else ""

    with transaction.atomic():
        for key, kept in column.rows(after, for_update=True):
            if (again := replace_each(kept, fresh)) != kept:
                column.store(key, again)
    return count


def _nobodys() -> str:
    """Return a random text that is valid as a key of codes."""
    return b32encode(secrets.token_bytes(20)).decode()
