"""The key that seals the audit: ``audit.key`` in the home, mode 0600, made with the first event.

It is kept outside the database and outside its backups: whoever has only those can neither forge nor mend a chain.
A key is never made anew in silence, for what the old one sealed could not be verified any more.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Final

from django.conf import settings

from eclectyc.audit.chain import head_signature
from eclectyc.audit.models import Head
from eclectyc.configuration import BadConfiguration, key_file
from eclectyc.kernel.errors import EclectycError

FILE: Final = "audit.key"


class KeyMissing(EclectycError):
    """Events are sealed in this database, and the key that sealed them is not in this home."""

    code = "audit_key"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The audit's key {path} is missing, so nothing sealed can be verified.",
            "Bring the file back from where you keep your keys; if it is lost, eclectyc audit anew seals all again.",
        )


class WrongKey(EclectycError):
    """The key in the home is not the one that sealed the events, or somebody forged the end of the chain."""

    code = "audit_key"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The end of the audit's chain does not fit the key {path}: it is another installation's, or was tampered.",
            "Run eclectyc audit verify; bring the right key back, or seal all again with eclectyc audit anew.",
        )


def key() -> bytes:
    """Return the key; it is made where nothing has been sealed yet."""
    path = Path(settings.HOME) / FILE
    if not path.exists() and Head.objects.filter(last__gt=0).exists():
        raise KeyMissing(path)
    try:
        return key_file(Path(settings.HOME), FILE).encode()
    except BadConfiguration:
        raise KeyMissing(path) from None


def fitting_key() -> bytes:
    """Return the key, once it is sure that it sealed what is sealed: a chain is never continued with another."""
    found = key()
    head = Head.objects.filter(pk=1).first()
    if head is not None:
        expected = head_signature(found, head.first, head.before_first, head.last, head.hash)
        if not hmac.compare_digest(head.signature, expected):
            raise WrongKey(Path(settings.HOME) / FILE)
    return found
