"""The secrets of other systems as a whole: which keys seal them, and going over to another key."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.audit.record import record
from eclectyc.kernel.errors import Forbidden
from eclectyc.vault import keys, rotation
from eclectyc.vault.encrypted_columns import columns


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """The names of the keys in the file, the newest first, and how many texts each key seals, by column."""

    keys: list[str]
    columns: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class RotationResult:
    """The key that seals from now on, and how many texts were sealed anew or open with no key, by column."""

    key: str
    resumed: bool
    resealed: dict[str, int]
    lost: dict[str, int]


def vault_status() -> VaultStatus:
    """Return what is sealed, and with which keys."""
    names = [key.name for key in keys.keys(Path(settings.HOME))]
    return VaultStatus(names, {name: dict(counts) for name, counts in rotation.count_by_key(columns()).items()})


def rotate(
    actor: Actor,
    *,
    wait_s: float = rotation.SETTLED_S,
    tell: Callable[[str], None] = lambda text: None,
    sleep: Callable[[float], None] = time.sleep,
) -> RotationResult:
    """Make a new key, seal everything anew with it and drop the old one; an operator's task.

    Killed at any point, everything opens still, and doing it again finishes what was begun.
    """
    if not actor.stands_above:
        raise Forbidden("Rotating the vault's key is an operator's task.", "Ask whoever runs this installation.")
    home = Path(settings.HOME)
    with rotation.exclusive(home):
        key, resumed = rotation.begin(home)
        with transaction.atomic():
            record(actor.by, "vault.rotation_resumed" if resumed else "vault.rotation_started", after={"key": key.name})
        done = rotation.reseal_all(columns(), key)
        if (left_s := rotation.remaining_wait_s(home, wait_s)) > 0:
            tell(f"Waiting {left_s:.0f} s for what others are writing with the old key.")
            sleep(left_s)
        while (again := rotation.reseal_all(columns(), key)).resealed:
            done.resealed.update(again.resealed)
        lost = dict(again.lost)
        with transaction.atomic():
            record(actor.by, "vault.rotated", after={"key": key.name, "sealed_anew": dict(done.resealed), "lost": lost})
        rotation.end(home)
    return RotationResult(key.name, resumed, dict(done.resealed), lost)
