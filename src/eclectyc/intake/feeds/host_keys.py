"""Host keys of SFTP servers: a line of ``ssh-keyscan``, or a fingerprint of OpenSSH. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

from eclectyc.kernel.errors import Invalid

_KINDS: Final = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
_PRINT: Final = "SHA256:"


def kind_of(key: str) -> str:
    """Return the kind of a host key, such as ssh-ed25519; empty for a fingerprint."""
    return next((part for part in key.split() if part in _KINDS), "")


def fingerprint(key: str) -> str:
    """Return the SHA256 fingerprint of a host key in OpenSSH's form; raise ``Invalid`` if it is not a host key."""
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
            "This is not a host key.", "Paste a line of ssh-keyscan, or a fingerprint SHA256:….", field="host_key"
        ) from None
    return _PRINT + base64.b64encode(digest).decode().rstrip("=")


def _decoded(text: str, length: int | None = None) -> bytes:
    decoded = base64.b64decode(text.encode("ascii"), validate=True)
    if length is not None and len(decoded) != length:
        raise binascii.Error("another length")
    return decoded
