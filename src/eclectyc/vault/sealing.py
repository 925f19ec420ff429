"""Seal and open texts with AES-256-GCM, so that a sealed text that was changed does not open.

``purpose`` binds a text to its column: a password that was copied into another column does not open there.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from eclectyc.vault import keys
from eclectyc.vault.errors import FILE, CannotOpen
from eclectyc.vault.sealed_text import NONCE, VERSION, joined, key_name, parts


def seal(secret: str | bytes, *, purpose: str = "") -> str:
    """Return a secret sealed with the newest key. The same secret never seals to the same text twice.

    Raise ``VaultKeyMissing`` or ``WrongVaultKey`` if the registry's secrets were sealed with another key.
    """
    return seal_with(_sealing_key(), secret, purpose=purpose)


def seal_with(key: keys.VaultKey, secret: str | bytes, *, purpose: str = "") -> str:
    """Return a secret sealed with a key that is known to fit."""
    nonce = os.urandom(NONCE)
    plain = secret.encode() if isinstance(secret, str) else bytes(secret)
    return joined(key.name, nonce + AESGCM(key.value).encrypt(nonce, plain, _bound(key.name, purpose)))


def open(sealed: str, *, purpose: str = "") -> bytes:  # noqa: A001 - used as vault.open(text)
    """Return the secret, or raise ``CannotOpen`` with the reason."""
    name, body = parts(sealed)
    known = keys.keys(_home())
    key = next((key for key in known if key.name == name), None)
    if key is None:
        why = "has no such key" if known else "is missing"
        raise CannotOpen(
            f"This secret was encrypted with key {name}, and {FILE} {why}.",
            "Restore the file from a copy, or enter the secret again.",
        )
    try:
        return AESGCM(key.value).decrypt(body[:NONCE], body[NONCE:], _bound(name, purpose))
    except InvalidTag:
        raise CannotOpen("This secret was changed or moved after it was encrypted.", "Enter it again.") from None


def reseal(sealed: str, *, purpose: str = "") -> str:
    """Return the same secret sealed with the newest key; unchanged if it already is."""
    known = keys.keys(_home())
    if known and key_name(sealed) == known[0].name:
        return sealed
    secret = open(sealed, purpose=purpose)
    return seal_with(known[0], secret, purpose=purpose)


def rotate() -> str:
    """Add a new key, which seals from now on, and return its name. Older keys still open."""
    _sealing_key()
    return keys.add_key(_home()).name


def _sealing_key() -> keys.VaultKey:
    from eclectyc.vault.key_check import sealing_key  # it looks at the columns, whose texts this module seals

    return sealing_key(_home())


def _bound(name: str, purpose: str) -> bytes:
    return f"eclectyc {VERSION} {name} {purpose}".encode()


def _home() -> Path:
    return Path(settings.HOME)
