"""Whether the key file fits the registry.

A lost key is never replaced silently: new secrets would be encrypted with another key, and lost in their turn as soon
as the right file is restored.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eclectyc.vault import keys
from eclectyc.vault.encrypted_columns import columns, sealed_in
from eclectyc.vault.errors import BadKeyFile, SomeKeysMissing, VaultError, VaultKeyMissing, WrongVaultKey
from eclectyc.vault.sealed_text import key_name


def sealing_key(home: Path) -> keys.VaultKey:
    """Return the key that seals; create the file only if the registry has no sealed text yet."""
    fault = key_fault(home, deep=False)
    if fault is not None:
        raise fault
    return keys.newest(home)


def key_fault(home: Path, *, deep: bool) -> VaultError | None:
    """Return what is wrong with the key file, or None. If ``deep``, every sealed text must have its key."""
    used = _keys_in_use()
    first = next(used, None)  # before the file: another process writes its first key before its first text
    try:
        known = {key.name for key in keys.keys(home)}
    except BadKeyFile as error:
        return error
    if first is None:
        return None
    if not known:
        return VaultKeyMissing()
    if first not in known and known.isdisjoint(used):
        return WrongVaultKey()
    return _some_missing(known) if deep else None


def _some_missing(known: set[str]) -> VaultError | None:
    missing = [name for name in _keys_in_use() if name not in known]
    return SomeKeysMissing(set(missing), len(missing)) if missing else None


def _keys_in_use() -> Iterator[str]:
    """Yield the name of each sealed text's key, reading the registry no further than asked."""
    for column in columns():
        for kept in column.values():
            yield from (key_name(text) for text in sealed_in(kept))
