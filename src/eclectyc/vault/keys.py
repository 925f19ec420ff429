"""The vault's keys: ``vault.key`` in the home, mode 0600, one key a line, newest first.

The newest key seals; all keys open. A lost file is never replaced while the registry has sealed texts (``key_check``).
The file is never part of a backup or of the database, which alone reveal no secrets. Keep a copy of it elsewhere:
without it, all secrets have to be entered again.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eclectyc.configuration import create_home, write_key_file
from eclectyc.vault.errors import FILE, BadKeyFile

LENGTH: Final = 32  # [bytes], AES-256


@dataclass(frozen=True, slots=True)
class VaultKey:
    """A key. Its short name is part of each text it seals; its value is never printed."""

    name: str
    value: bytes = field(repr=False)

    @classmethod
    def from_value(cls, value: bytes) -> VaultKey:
        return cls(hashlib.sha256(b"vault key name:" + value).hexdigest()[:8], value)


def keys(home: Path) -> list[VaultKey]:
    """Return the keys, newest first; none if there is no file."""
    path = home / FILE
    try:
        lines = path.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError):
        raise BadKeyFile("cannot be read; check its owner and mode") from None
    found = [_key(line) for line in lines]
    if not found:
        raise BadKeyFile("is empty")
    return found


def newest(home: Path) -> VaultKey:
    """Return the key that seals; create the file if there is none."""
    if not (home / FILE).exists():
        create_home(home)
        write_key_file(home / FILE, _line(secrets.token_bytes(LENGTH)), replace=False)
    return keys(home)[0]


def add_key(home: Path) -> VaultKey:
    """Add a new key before the others."""
    newest(home)
    fresh = secrets.token_bytes(LENGTH)
    older = (home / FILE).read_text(encoding="ascii")
    write_key_file(home / FILE, _line(fresh) + older, replace=True)
    return VaultKey.from_value(fresh)


def keep_newest(home: Path) -> None:
    """Remove all keys but the newest: texts sealed with the others can no longer be opened."""
    first = (home / FILE).read_text(encoding="ascii").split()[0]
    write_key_file(home / FILE, first + "\n", replace=True)


def _line(value: bytes) -> str:
    return urlsafe_b64encode(value).decode() + "\n"


def _key(line: str) -> VaultKey:
    try:
        value = urlsafe_b64decode(line)
    except ValueError:
        value = b""
    if len(value) != LENGTH:
        raise BadKeyFile("contains a line that is not a key")
    return VaultKey.from_value(value)
