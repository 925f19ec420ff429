"""The stored secrets of other systems: which keys encrypt them, and rotating the key."""

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
    """The names of the keys in the file, newest first, and how many texts of each column each key encrypts."""

    keys: list[str]
    columns: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class RotationResult:
    """The new key, and how many texts of each column were encrypted again, or open with no key (``lost``).

    The fields are those of the command's JSON.
    """

    key: str
    resumed: bool
    anew: dict[str, int]
    lost: dict[str, int]


def vault_status() -> VaultStatus:
    names = [key.name for key in keys.keys(Path(settings.HOME))]
    return VaultStatus(names, {name: dict(counts) for name, counts in rotation.count_by_key(columns()).items()})


def rotate(
    actor: Actor,
    *,
    wait_s: float = rotation.SETTLED_S,
    report: Callable[[str], None] = lambda text: None,
    sleep: Callable[[float], None] = time.sleep,
) -> RotationResult:
    """Create a new key, encrypt all secrets again with it and remove the old one; for operators.

    If it is interrupted, every secret can still be opened, and another run completes it. report : called with progress.
    """
    if not actor.is_full_operator:
        raise Forbidden("Only an operator can rotate the vault's key.", "Ask the operator of this installation.")
    home = Path(settings.HOME)
    with rotation.exclusive(home):
        key, resumed = rotation.begin(home)
        with transaction.atomic():
            record(actor.by, "vault.rotation_resumed" if resumed else "vault.rotation_started", after={"key": key.name})
        done = rotation.reseal_all(columns(), key)
        if (left_s := rotation.remaining_wait_s(home, wait_s)) > 0:
            report(f"Waiting {left_s:.0f} s for other processes that may still write with the old key.")
            sleep(left_s)
        while (again := rotation.reseal_all(columns(), key)).resealed:
            done.resealed.update(again.resealed)
        lost = dict(again.lost)
        with transaction.atomic():
            record(actor.by, "vault.rotated", after={"key": key.name, "sealed_anew": dict(done.resealed), "lost": lost})
        rotation.end(home)
    return RotationResult(key.name, resumed, dict(done.resealed), lost)
