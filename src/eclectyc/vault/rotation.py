"""Rotate the vault's key: add a new one, seal every text again with it, remove the old one.

If this is interrupted, every text can still be opened: both keys are in the file until nothing needs the old one.
Another run continues. Texts that other processes seal meanwhile with the old key are found by a second pass after
``SETTLED_S``.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.db import transaction

from eclectyc.kernel.errors import Busy
from eclectyc.kernel.failpoints import failpoint
from eclectyc.vault import keys
from eclectyc.vault.encrypted_columns import EncryptedColumn, replace_each, sealed_in
from eclectyc.vault.errors import FILE, CannotOpen
from eclectyc.vault.key_check import sealing_key
from eclectyc.vault.sealed_text import key_name
from eclectyc.vault.sealing import reseal

LOCK: Final = "vault.lock"
SETTLED_S: Final = 25.0  # longer than a writer waits for SQLite


@dataclass(slots=True)
class Resealing:
    """How many texts of each column were sealed again, and how many no key opens (``lost``)."""

    resealed: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)


@contextmanager
def exclusive(home: Path) -> Iterator[None]:
    """Hold the lock on the key file; raise ``Busy`` if another process holds it."""
    handle = os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("The vault's key is already being rotated.", "Wait until that has finished.") from None
        yield
    finally:
        os.close(handle)


def begin(home: Path) -> tuple[keys.VaultKey, bool]:
    """Return the new key, and whether an interrupted rotation had already created it."""
    sealing_key(home)
    there = keys.keys(home)
    if len(there) > 1:
        return there[0], True
    fresh = keys.add_key(home)
    failpoint("vault.key_added")
    return fresh, False


def reseal_all(columns: Sequence[EncryptedColumn], newest: keys.VaultKey) -> Resealing:
    """Seal every text with the newest key, some rows in each transaction; skip those that already are."""
    done = Resealing()
    for column in columns:
        after = None
        while rows := column.rows(after):
            if any(key_name(text) != newest.name for _, kept in rows for text in sealed_in(kept)):
                _seal_part(column, after, done)
                failpoint("vault.part_sealed")
            after = rows[-1][0]
    return done


def _seal_part(column: EncryptedColumn, after: object, done: Resealing) -> None:
    def fresh(text: str) -> str:
        try:
            again = reseal(text, purpose=column.purpose)
        except CannotOpen:
            done.lost[column.name] += 1
            return text
        if again != text:
            done.resealed[column.name] += 1
        return again

    with transaction.atomic():
        for key, kept in column.rows(after, for_update=True):
            again = replace_each(kept, fresh)
            if again != kept:
                column.store(key, again)


def count_by_key(columns: Sequence[EncryptedColumn]) -> dict[str, Counter[str]]:
    """Return how many texts of each column each key seals."""
    return {
        column.name: Counter(key_name(text) for kept in column.values() for text in sealed_in(kept))
        for column in columns
    }


def remaining_wait_s(home: Path, wait_s: float) -> float:
    """Return how long to wait [s] until no process still writes with a key it read before the newest was added."""
    return max(0.0, wait_s - (time.time() - (home / FILE).stat().st_mtime))


def end(home: Path) -> None:
    """Remove every key but the newest."""
    failpoint("vault.sealed")
    keys.keep_newest(home)
    failpoint("vault.dropped")
