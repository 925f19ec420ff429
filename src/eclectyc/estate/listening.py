"""Who wants to know when a site or a meter changes: rooms above this one say so when they are made ready.

They are called within the change's own transaction, once it is written, and may write what follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Model

Listener = Callable[[Model, str, Mapping[str, Any], Mapping[str, Any]], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Be called with each change: the site or meter, the action, and what was told of it before and after.

    before, after : the changed fields by column (``timezone``, ``utility``, ``parent_id`` …), and for an entry of a
    meter's history what the audit is told (``factor``, ``since`` …). ``before`` of something new is empty.
    """
    if listener not in _listeners:
        _listeners.append(listener)


def announce(thing: Model, action: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Tell everybody who listens of one change."""
    for listener in _listeners:
        listener(thing, action, before, after)
