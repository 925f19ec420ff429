"""Wakes the worker of this process at once; one in another process checks the queue every second."""

from __future__ import annotations

import threading

_bells: set[threading.Event] = set()


def listen(bell: threading.Event) -> None:
    """Set an event whenever a job is enqueued."""
    _bells.add(bell)


def stop_listening(bell: threading.Event) -> None:
    _bells.discard(bell)


def wake() -> None:
    for bell in list(_bells):
        bell.set()
