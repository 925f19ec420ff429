"""Who wants to know when sites or meters change: rooms above this one say so when they are made ready.

They are called within the change's own transaction, once it is written, and may write what follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model


@dataclass(frozen=True, slots=True)
class EstateChange:
    """One change of a site or a meter: the action, and what was told of it before and after.

    before, after : the changed fields by column (``timezone``, ``utility``, ``parent_id`` …), and for an entry of a
    meter's history what the audit is told (``factor``, ``since`` …). ``before`` of something new is empty.
    """

    thing: Model
    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    @property
    def fields(self) -> frozenset[str]:
        """The names of what changed."""
        return frozenset(self.before) | frozenset(self.after)


Listener = Callable[[Sequence[EstateChange]], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Be called with changes: one, or all that an edit of many made at once. Ask the registry by set."""
    if listener not in _listeners:
        _listeners.append(listener)


def announce(changes: Sequence[EstateChange]) -> None:
    """Tell everybody who listens of some changes."""
    for listener in _listeners:
        listener(changes)
