"""Named points at which a crash test can end this process, as a power cut would.

Off unless ``ECLECTYC_FAILPOINT`` names one; then reaching it sends SIGKILL to this very process.
"""

from __future__ import annotations

import os
import signal

_armed = os.environ.get("ECLECTYC_FAILPOINT", "")


def failpoint(name: str) -> None:
    """End the process here if this point is armed; otherwise do nothing."""
    if _armed and _armed == name:
        os.kill(os.getpid(), signal.SIGKILL)
