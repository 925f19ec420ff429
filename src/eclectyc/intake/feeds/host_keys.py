"""The host key of an SFTP server: as ``ssh-keyscan`` prints it, or its fingerprint as OpenSSH does. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

from eclectyc.kernel.errors import Invalid

_KINDS: Final = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
_PRINT: Final = "SHA256:"


def kind_of(key: str) -> str:
    """Return the kind of a host key, such as ssh-ed25519; nothing of a fingerprint, which does not tell."""
    return next((part for part in key.split() if part in _KINDS), "")


def fingerprint(key: str) -> str:
    """Return the SHA256 fingerprint of a host key, as OpenSSH prints it. Raises ``Invalid`` where it is none."""
    key = key.strip()
    try:
        if key.startswith(_PRINT):
            key = key.rstrip("=")
            _decoded(f"{key.removeprefix(_PRINT)}=", hashlib.sha256().digest_size)
            return key
        parts = key.split()
        at = next(n for n, part in enumerate(parts) if part in _KINDS)
        digest = hashlib.sha256(_decoded(parts[at + 1])).digest()
    except (StopIteration, IndexError, ValueError):
        raise Invalid(
            "That is no host key.", "Paste a line of ssh-keyscan, or a fingerprint SHA256:….", field="host_key"
        ) from None
    return _PRINT + base64.b64encode(digest).decode().rstrip("=")


def _decoded(text: str, length: int | None = None) -> bytes:
    held = base64.b64decode(text.encode("ascii"), validate=True)
    if length is not None and len(held) != length:
        raise binascii.Error("another length")
    return held
