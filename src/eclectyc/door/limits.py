"""How large a request's body may be, and how long it may take. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eclectyc.kernel.errors import EclectycError

SIGN_IN: Final = ("/accounts/", "/signin")
STRANGER: Final = 16 << 10  # [bytes] of someone who is not signed in
STRANGER_SIGNING_IN: Final = 64 << 10  # [bytes]
KNOWN: Final = 10 << 20  # [bytes] of a form or JSON
KNOWN_FILES: Final = (8 << 30) + (1 << 20)  # [bytes] of a form with files


class BodyTooLarge(EclectycError):
    """A body is larger than its sender may send there."""

    code = "too_large"


class BodyTooSlow(EclectycError):
    """A body did not arrive in time."""

    code = "too_slow"


class NoRoom(EclectycError):
    """The disk has no room for a body."""

    code = "no_room"


@dataclass(frozen=True, slots=True)
class BodyPace:
    """The time that a body may take.

    pause_s : the longest wait for the next bytes. first_s : what every body has; beyond it, the sender must have kept
    up ``least_per_s`` [bytes/s] on average.
    """

    pause_s: float = 10.0
    first_s: float = 15.0
    least_per_s: float = 2048.0

    def wait_s(self, passed_s: float, received: int) -> float:
        """Return how long to wait for the next bytes; 0 or less if the time is over.

        >>> BodyPace().wait_s(0.0, 0), BodyPace().wait_s(14.0, 0), BodyPace().wait_s(20.0, 1 << 20)
        (10.0, 1.0, 10.0)
        """
        return min(self.pause_s, self.first_s + received / self.least_per_s - passed_s)


def stranger_limit(path: str) -> int:
    """Return how large a body may be before it is known who sends it [bytes]."""
    return STRANGER_SIGNING_IN if path.startswith(SIGN_IN) else STRANGER


def known_limit(content_type: str) -> int:
    """Return how large a body of a person or a token may be [bytes]."""
    return KNOWN_FILES if content_type.lower().startswith("multipart/form-data") else KNOWN
