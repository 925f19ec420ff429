"""Changes of sites and meters, announced to the rooms that depend on them.

A room listens from its ``AppConfig.ready``. Listeners are called within the transaction of the change, once it is
stored, and may store what follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model


@dataclass(frozen=True, slots=True)
class EstateChange:
    """One change of a site or a meter: the audit's action, and the changed fields before and after.

    before, after : by column (``timezone``, ``utility``, ``parent_id`` …); for an entry of a history, its fields
    (``factor``, ``since`` …). ``before`` is empty for something new.
    """

    thing: Model
    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    @property
    def fields(self) -> frozenset[str]:
        """The names of the changed fields."""
        return frozenset(self.before) | frozenset(self.after)


Listener = Callable[[Sequence[EstateChange]], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Call a function with each change, or with all changes of a bulk edit at once: query the registry by sets."""
    if listener not in _listeners:
        _listeners.append(listener)


def announce(changes: Sequence[EstateChange]) -> None:
    """Call all listeners."""
    for listener in _listeners:
        listener(changes)
