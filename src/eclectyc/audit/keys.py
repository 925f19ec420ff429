"""The key that seals the audit: ``audit.key`` in the home, mode 0600, created with the first event.

It is stored outside the database and its backups, which alone are not enough to forge or repair a chain. A lost key is
never replaced silently, since events sealed with it could no longer be verified.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Final

from django.conf import settings

from eclectyc.audit.chain import head_signature
from eclectyc.audit.models import Head
from eclectyc.configuration import BadConfiguration, read_key_file
from eclectyc.kernel.errors import EclectycError

FILE: Final = "audit.key"


class KeyMissing(EclectycError):
    """The database has sealed events, and the key that sealed them is not in this home."""

    code = "audit_key"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The audit's key {path} is missing, so nothing sealed can be verified.",
            "Restore the file from your copy; if it is lost, run eclectyc audit anew to seal all events again.",
        )


class WrongKey(EclectycError):
    """The key in the home is not the one that sealed the events, or the end of the chain was forged."""

    code = "audit_key"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The end of the audit's chain does not match the key {path}: the key is wrong, or the chain was forged.",
            "Run eclectyc audit verify; restore the right key, or run eclectyc audit anew to seal all events again.",
        )


def key() -> bytes:
    """Return the key; create it if nothing has been sealed yet."""
    path = Path(settings.HOME) / FILE
    if not path.exists() and Head.objects.filter(last__gt=0).exists():
        raise KeyMissing(path)
    try:
        return read_key_file(Path(settings.HOME), FILE).encode()
    except BadConfiguration:
        raise KeyMissing(path) from None


def fitting_key() -> bytes:
    """Return the key, after checking that it sealed the chain: a chain is never continued with another."""
    found = key()
    head = Head.objects.filter(pk=1).first()
    if head is not None:
        expected = head_signature(found, head.first, head.before_first, head.last, head.hash)
        if not hmac.compare_digest(head.signature, expected):
            raise WrongKey(Path(settings.HOME) / FILE)
    return found
