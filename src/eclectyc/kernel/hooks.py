"""Hooks: what rooms offer to a room above them. Pure.

Rooms fill a hook in ``AppConfig.ready``; the room that reads it names none of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from eclectyc.kernel.data_protection import PersonalData, RetentionCategory
    from eclectyc.kernel.health import HealthCheck

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    value: T | str
    rank: int


class Hook(Generic[T]):
    """Named entries in a stable order.

    >>> hook = Hook[int]("number")
    >>> hook.register("later", 2, rank=20)
    >>> hook.register("sooner", 1, rank=10)
    >>> list(hook)
    [1, 2]
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._entries: dict[str, _Entry[T]] = {}
        self._loaded: dict[str, T] = {}

    def register(self, name: str, entry: T | str, *, rank: int = 0) -> None:
        """Add an entry; raise ``ValueError`` if another one has its name.

        entry : the value, or where it is, "package.module:attribute": imported only when the hook is read, so that
        starting costs nothing. rank : lower ones are listed first, equal ones in the order of registration.
        """
        new = _Entry(entry, rank)
        if self._entries.setdefault(name, new) != new:
            raise ValueError(f"There is a {self._title} called {name!r} already. Choose another name.")

    def names(self) -> list[str]:
        return sorted(self._entries, key=lambda name: self._entries[name].rank)

    def load(self, name: str) -> T:
        """Return the entry of a name, imported if need be; raise ``KeyError`` if there is none."""
        value = self._entries[name].value
        if not isinstance(value, str):
            return value
        if name not in self._loaded:
            module, _, attribute = value.partition(":")
            self._loaded[name] = getattr(import_module(module), attribute)
        return self._loaded[name]

    def __iter__(self) -> Iterator[T]:
        return (self.load(name) for name in self.names())

    def __len__(self) -> int:
        return len(self._entries)


class Command(NamedTuple):
    """A command of the ``eclectyc`` program: where its function or typer application is, and what it does."""

    target: str  # "package.module:attribute"; imported only when the command is called
    summary: str


commands: Final[Hook[Command]] = Hook("command")
health_checks: Final[Hook[HealthCheck]] = Hook("health check")
retention_categories: Final[Hook[RetentionCategory]] = Hook("retention category")
personal_data: Final[Hook[PersonalData]] = Hook("column of personal data")
