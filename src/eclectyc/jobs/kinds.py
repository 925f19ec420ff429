"""Job kinds. Each room registers its own in ``AppConfig.ready``; a job stores only the kind's name.

A handler is named, not imported: ``eclectyc.lake.maintenance_job:run`` costs nothing until such a job runs, and may
move from one release to the next while jobs are queued.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from eclectyc.jobs.context import JobContext
    from eclectyc.jobs.models import Job

VIEW: Final = "jobs.view"
MANAGE: Final = "jobs.manage"

Handler = Callable[["JobContext"], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job.

    name : ``room.action``, never changed. handler : ``package.module:function``. title : for pages and mails.
    attempts : the most attempts; first_delay_s : the wait before the second attempt, four times longer each time.
    keep_days : how long ended jobs are kept.
    permission : people who have it in a job's organisation see, cancel and retry these jobs, as those who may for all.
    frees_key_at_start : once started, a job no longer prevents another with its key.
    is_quiet : its final failure sends no mail.
    titles : ``package.module:function`` that takes jobs of this kind and returns titles by their numbers; those that it
    leaves out have the kind's title.
    """

    name: str
    handler: str
    title: str
    attempts: int = 3
    first_delay_s: float = 30.0
    keep_days: int = 90
    permission: str = ""
    frees_key_at_start: bool = False
    is_quiet: bool = False
    titles: str = ""

    def load(self) -> Handler:
        """Import the handler and return it."""
        found: Handler = _load(self.handler)
        return found

    def titles_of(self, jobs: Sequence[Job]) -> dict[int, str]:
        """Return titles by the jobs' numbers, of those that the kind can name better than by its own title."""
        named: dict[int, str] = _load(self.titles)(jobs) if self.titles else {}
        return named


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


_kinds: dict[str, JobKind] = {}


def register(*kinds: JobKind) -> None:
    """Register kinds; one of the same name replaces the earlier."""
    _kinds.update((kind.name, kind) for kind in kinds)


def find(name: str) -> JobKind | None:
    """Return the kind of a name; None if this version has none."""
    return _kinds.get(name)


def known() -> list[str]:
    """Return the names of all kinds, in order."""
    return sorted(_kinds)


def title_of(name: str) -> str:
    """Return a kind's title; its name if this version has no such kind."""
    kind = _kinds.get(name)
    return kind.title if kind else name


def by_permission() -> dict[str, list[str]]:
    """Return the names of kinds by the permission that opens them."""
    opened: dict[str, list[str]] = {}
    for kind in _kinds.values():
        if kind.permission:
            opened.setdefault(kind.permission, []).append(kind.name)
    return opened
