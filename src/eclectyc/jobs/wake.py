"""Waking the worker of this very process at once; one in another process looks by itself within a second."""

from __future__ import annotations

import threading

_bells: set[threading.Event] = set()


def listen(bell: threading.Event) -> None:
    """Have a bell rung whenever work is put into the queue."""
    _bells.add(bell)


def stop_listening(bell: threading.Event) -> None:
    """Have it rung no more."""
    _bells.discard(bell)


def wake() -> None:
    """Say that there is work."""
    for bell in list(_bells):
        bell.set()
