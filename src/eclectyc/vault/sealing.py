"""Seal and open texts with AES-256-GCM, so that a sealed text that was changed does not open.

The format is ``v1.<name of its key>.<nonce and ciphertext>``. ``purpose`` binds a text to its column: a password that
was copied into another column does not open there.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from eclectyc.kernel.errors import EclectycError
from eclectyc.vault import keys

VERSION: Final = "v1"
_NONCE: Final = 12  # [bytes]
_SEALED: Final = re.compile(rf"{VERSION}\.[0-9a-f]{{8}}\.[\w-]{{18,}}", re.ASCII)


class CannotOpen(EclectycError):
    """A sealed secret cannot be opened: its key is missing, or it was changed."""

    code = "vault"


def seal(secret: str | bytes, *, purpose: str = "") -> str:
    """Return a secret sealed with the newest key. The same secret never seals to the same text twice."""
    key = keys.newest(_home())
    nonce = os.urandom(_NONCE)
    plain = secret.encode() if isinstance(secret, str) else bytes(secret)
    sealed = nonce + AESGCM(key.value).encrypt(nonce, plain, _bound(key.name, purpose))
    return f"{VERSION}.{key.name}.{urlsafe_b64encode(sealed).decode().rstrip('=')}"


def open(sealed: str, *, purpose: str = "") -> bytes:  # noqa: A001 - used as vault.open(text)
    """Return the secret, or raise ``CannotOpen`` with the reason."""
    name, body = _parts(sealed)
    known = keys.keys(_home())
    key = next((key for key in known if key.name == name), None)
    if key is None:
        why = "has no such key" if known else "is missing"
        raise CannotOpen(
            f"This secret was encrypted with key {name}, and {_home() / keys.FILE} {why}.",
            "Restore the file from a copy, or enter the secret again.",
        )
    try:
        return AESGCM(key.value).decrypt(body[:_NONCE], body[_NONCE:], _bound(name, purpose))
    except InvalidTag:
        raise CannotOpen("This secret was changed or moved after it was encrypted.", "Enter it again.") from None


def reseal(sealed: str, *, purpose: str = "") -> str:
    """Return the same secret sealed with the newest key; unchanged if it already is."""
    if _parts(sealed)[0] == keys.newest(_home()).name:
        return sealed
    return seal(open(sealed, purpose=purpose), purpose=purpose)


def rotate() -> str:
    """Add a new key, which seals from now on, and return its name. Older keys still open."""
    return keys.add_key(_home()).name


def is_sealed(text: str) -> bool:
    return _SEALED.fullmatch(text) is not None


def key_name(sealed: str) -> str:
    """Return the name of the key that sealed a text."""
    return _parts(sealed)[0]


def _parts(sealed: str) -> tuple[str, bytes]:
    version, _, rest = sealed.partition(".")
    name, _, body = rest.partition(".")
    try:
        value = urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except ValueError:
        value = b""
    if version != VERSION or len(value) <= _NONCE:
        raise CannotOpen("This is not an encrypted secret.", "Enter it again.")
    return name, value


def _bound(name: str, purpose: str) -> bytes:
    return f"eclectyc {VERSION} {name} {purpose}".encode()


def _home() -> Path:
    return Path(settings.HOME)
