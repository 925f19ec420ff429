"""How the files of a place are listed and fetched, whatever kind of place it is."""

from __future__ import annotations

import fnmatch
import ipaddress
import socket
import unicodedata
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Protocol

from eclectyc.jobs.interrupts import TryLater
from eclectyc.kernel.errors import Invalid

PASSING: Final = (".part", ".tmp", ".filepart", ".partial", ".crdownload", "~")  # names of files still being written
_NO_TEXT: Final = ("Cc", "Cs")  # control characters, and bytes that are no UTF-8
MOST_FILES: Final = 20_000  # in a folder


class Unreachable(TryLater):
    """A place that does not answer, or not as it should: worth another try."""

    code = "unreachable"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as a place lists it. size [bytes], changed [s since 1970]: -1 and 0 where it does not say."""

    name: str
    size: int = -1
    changed: int = 0


class Connection(Protocol):
    """An open connection to a place."""

    def list_files(self) -> list[RemoteFile]:
        """List the files that are wanted."""
        ...

    def test(self) -> list[RemoteFile]:
        """Find out whether the place would give what is wanted, and return what that is."""
        ...

    def fetch(self, file: RemoteFile, into: BinaryIO) -> None:
        """Write a file's bytes."""
        ...

    def archive(self, file: RemoteFile) -> None:
        """Move or delete a file that was read, as the feed says."""
        ...


Opening = AbstractContextManager[Connection]


def is_wanted(name: str, pattern: str) -> bool:
    """Say whether a name is one of the wanted ones, and no file that is still being written.

    A name that is no text, in some old encoding, is none: it could neither be kept nor shown.
    """
    is_text = all(unicodedata.category(sign) not in _NO_TEXT for sign in name)
    if not is_text or "/" in name or name.startswith(".") or name.lower().endswith(PASSING):
        return False
    patterns = [part.strip() for part in pattern.split(",") if part.strip()] or ["*"]
    return any(fnmatch.fnmatchcase(name.lower(), part.lower()) for part in patterns)


def addresses_of(host: str, port: int, *, may_be_private: bool) -> list[Any]:
    """Return where a host is, as ``socket`` has it.

    An address inside the own network is refused, unless an operator allowed it: a feed must not be a way to look at
    what only the server can reach.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # a name that no server can have
        raise Unreachable(f"The server {host} is not known.", "Check its name.", field="host") from None
    if not may_be_private and any(not ipaddress.ip_address(one[4][0]).is_global for one in found):
        raise Invalid(
            f"{host} is inside the server's own network.", "An operator of the platform may allow that.", field="host"
        )
    return found


def limit_files(names: Iterator[RemoteFile]) -> list[RemoteFile]:
    """Return what is listed, or refuse a folder with far too many files."""
    found = []
    for one in names:
        found.append(one)
        if len(found) > MOST_FILES:
            raise Invalid(f"The folder holds more than {MOST_FILES:,} files.", "Have them moved after reading.")
    return found
