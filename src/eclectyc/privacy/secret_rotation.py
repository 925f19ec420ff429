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
from eclectyc.vault.errors import FILE, BadKeyFile
from eclectyc.vault.give_up import give_up_lost
from eclectyc.vault.key_check import key_fault


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """The names of the keys in the file, newest first, and how many texts of each column each key encrypts.

    file : its path. fault : what is wrong with the key file, and the remedy; empty if nothing is.
    """

    keys: list[str]
    columns: dict[str, dict[str, int]]
    fault: str
    file: str


@dataclass(frozen=True, slots=True)
class RotationResult:
    """The new key, and how many texts of each column were encrypted again, or open with no key (``lost``).

    The fields are those of the command's JSON.
    """

    key: str
    resumed: bool
    anew: dict[str, int]
    lost: dict[str, int]


@dataclass(frozen=True, slots=True)
class GivenUpSecrets:
    """The key that encrypts from now on, and how many texts of each column were given up."""

    key: str
    given_up: dict[str, int]


def vault_status() -> VaultStatus:
    home = Path(settings.HOME)
    fault = key_fault(home, deep=True)
    names = [] if isinstance(fault, BadKeyFile) else [key.name for key in keys.keys(home)]
    used = {name: dict(counts) for name, counts in rotation.count_by_key(columns()).items()}
    return VaultStatus(names, used, str(fault or ""), str(home / FILE))


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
    _require_operator(actor, "rotate the vault's key")
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


def give_up_secrets(actor: Actor) -> GivenUpSecrets:
    """Give up the secrets whose key is lost, and create a key if there is none; for operators."""
    _require_operator(actor, "give up secrets")
    home = Path(settings.HOME)
    with rotation.exclusive(home):
        key, lost = give_up_lost(columns(), home)
        with transaction.atomic():
            record(actor.by, "vault.secrets_given_up", after={"key": key.name, "given_up": dict(lost)})
    return GivenUpSecrets(key.name, dict(lost))


def _require_operator(actor: Actor, deed: str) -> None:
    if not actor.is_full_operator:
        raise Forbidden(f"Only an operator can {deed}.", "Ask the operator of this installation.")
