"""Connections to the sources of feeds: list and fetch files, whatever the protocol."""

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

PASSING: Final = (".part", ".tmp", ".filepart", ".partial", ".crdownload", "~")  # endings of files still being written
_NO_TEXT: Final = ("Cc", "Cs")  # control characters, and bytes that are not UTF-8
MOST_FILES: Final = 20_000  # in a folder


class Unreachable(TryLater):
    """A source does not answer, or not as it should; the feed is retried."""

    code = "unreachable"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file in a source's list. size [bytes], changed [s since 1970]: -1 and 0 if unknown."""

    name: str
    size: int = -1
    changed: int = 0


class Connection(Protocol):
    """An open connection to a source."""

    def list_files(self) -> list[RemoteFile]:
        """Return the files that match the feed's settings."""
        ...

    def test(self) -> list[RemoteFile]:
        """Check that the source provides files, and return their list."""
        ...

    def fetch(self, file: RemoteFile, into: BinaryIO) -> None:
        """Write a file's content."""
        ...

    def archive(self, file: RemoteFile) -> None:
        """Move or delete a file that was read, as set in the feed."""
        ...


Opening = AbstractContextManager[Connection]


def matches_pattern(name: str, pattern: str) -> bool:
    """Return whether a name matches the pattern and is not a file that is still being written.

    A name that is not valid text does not match: it could be neither stored nor shown.
    """
    is_text = all(unicodedata.category(sign) not in _NO_TEXT for sign in name)
    if not is_text or "/" in name or name.startswith(".") or name.lower().endswith(PASSING):
        return False
    patterns = [part.strip() for part in pattern.split(",") if part.strip()] or ["*"]
    return any(fnmatch.fnmatchcase(name.lower(), part.lower()) for part in patterns)


def addresses_of(host: str, port: int, *, may_be_private: bool) -> list[Any]:
    """Return the addresses of a host, as ``socket`` gives them.

    An address inside the server's own network is refused, unless an operator allowed it: a feed must not give access
    to what only the server can reach.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # a name that no server can have
        raise Unreachable(f"The server {host} was not found.", "Check its name.", field="host") from None
    if not may_be_private and any(not ipaddress.ip_address(one[4][0]).is_global for one in found):
        raise Invalid(
            f"{host} is inside the server's own network.", "Ask an operator of the platform to allow it.", field="host"
        )
    return found


def limit_files(names: Iterator[RemoteFile]) -> list[RemoteFile]:
    """Return the listed files; raise ``Invalid`` for a folder with too many."""
    found = []
    for one in names:
        found.append(one)
        if len(found) > MOST_FILES:
            raise Invalid(
                f"The folder contains more than {MOST_FILES:,} files.", "Set the feed to move files after reading."
            )
    return found
