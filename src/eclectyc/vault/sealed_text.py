"""The format of a sealed text: ``v1.<name of its key>.<nonce and ciphertext>``. Pure."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from eclectyc.vault.errors import CannotOpen

VERSION: Final = "v1"
NONCE: Final = 12  # [bytes]
_SEALED: Final = re.compile(rf"{VERSION}\.[0-9a-f]{{8}}\.[\w-]{{18,}}", re.ASCII)


def is_sealed(text: str) -> bool:
    return _SEALED.fullmatch(text) is not None


def key_name(sealed: str) -> str:
    """Return the name of the key that sealed a text."""
    return parts(sealed)[0]


def parts(sealed: str) -> tuple[str, bytes]:
    """Return the name of a text's key, and its nonce and ciphertext."""
    version, _, rest = sealed.partition(".")
    name, _, body = rest.partition(".")
    try:
        value = urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except ValueError:
        value = b""
    if version != VERSION or len(value) <= NONCE:
        raise CannotOpen("This is not an encrypted secret.", "Enter it again.")
    return name, value


def joined(name: str, body: bytes) -> str:
    """Return the text of a key's name, nonce and ciphertext."""
    return f"{VERSION}.{name}.{urlsafe_b64encode(body).decode().rstrip('=')}"
