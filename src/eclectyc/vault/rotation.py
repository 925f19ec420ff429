"""Another key for all that is sealed: it is put before the old one, every text is sealed anew, the old one goes.

Ended at any point, everything still opens: both keys are in the file until nothing needs the old one. Beginning again
goes on where it stopped. What other processes were writing meanwhile, with the key they had read before, is found by
looking through everything once more after ``SETTLED_S``.
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
from eclectyc.vault.sealing import CannotOpen, key_name, reseal

LOCK: Final = "vault.lock"
SETTLED_S: Final = 25.0  # longer than a writer waits for SQLite


@dataclass(slots=True)
class Resealing:
    """What was sealed anew, and what no key opens any more, counted by column."""

    resealed: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)


@contextmanager
def exclusive(home: Path) -> Iterator[None]:
    """Hold the right to change the key file; raise ``Busy`` where another process does."""
    handle = os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("The vault's key is being rotated already.", "Wait until that has ended.") from None
        yield
    finally:
        os.close(handle)


def begin(home: Path) -> tuple[keys.VaultKey, bool]:
    """Return the key to which everything goes over, and whether an earlier rotation left it: that one is finished."""
    keys.newest(home)
    there = keys.keys(home)
    if len(there) > 1:
        return there[0], True
    fresh = keys.add_key(home)
    failpoint("vault.key_added")
    return fresh, False


def reseal_all(columns: Sequence[EncryptedColumn], newest: keys.VaultKey) -> Resealing:
    """Seal every text with the newest key, some rows in each transaction; those that are already stay as they are."""
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
    """Return how many texts each key seals, by column."""
    found = {column.name: Counter[str]() for column in columns}
    for column in columns:
        after = None
        while rows := column.rows(after):
            found[column.name].update(key_name(text) for _, kept in rows for text in sealed_in(kept))
            after = rows[-1][0]
    return found


def remaining_wait_s(home: Path, wait_s: float) -> float:
    """Return how long to wait yet [s] until nobody writes any more with a key read before the newest was there."""
    return max(0.0, wait_s - (time.time() - (home / keys.FILE).stat().st_mtime))


def end(home: Path) -> None:
    """Take every key but the newest out of the file."""
    failpoint("vault.sealed")
    keys.keep_newest(home)
    failpoint("vault.dropped")
