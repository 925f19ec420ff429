"""What a room states about the data it stores: how long they are kept, and which of them are about a person. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol


class Deletion(Protocol):
    """One run of a retention rule. It deletes what a category gives it, or in a dry run only counts."""

    @property
    def now(self) -> datetime: ...

    @property
    def before(self) -> datetime:
        """Only data older than this may go."""
        ...

    @property
    def dry_run(self) -> bool: ...

    @property
    def is_rest(self) -> bool:
        """Whether this run covers all organisations without a rule of their own, and what belongs to none."""
        ...

    def within(self, rows: Any, field: str = "organisation_id") -> Any:
        """Return the rows of a queryset that belong to this run's organisations."""
        ...

    def delete_rows(self, rows: Any) -> int:
        """Delete a queryset's rows, some in each short transaction; return how many there were."""
        ...

    def delete_files(self, paths: Iterable[Path]) -> int:
        """Delete those files that are older than ``before``; return how many there were."""
        ...


@dataclass(frozen=True, slots=True)
class RetentionCategory:
    """A category of data with a retention period.

    title : for pages, a plural noun. where : registry or home, and where in it. delete : deletes what is too old, and
    returns how much. least_days : the shortest period that a rule may set. is_of_organisations : whether an
    organisation may have a rule of its own.
    """

    name: str
    title: str
    where: str
    default_days: int
    delete: Callable[[Deletion], int]
    least_days: int = 1
    is_of_organisations: bool = False


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """A person who is being erased, as the rows that stay still name them, and the label that replaces the name."""

    user_id: int
    email: str
    label: str


@dataclass(frozen=True, slots=True)
class PersonalData:
    """A column that refers to a person.

    model : "label.Model". title : for the person's export. erasing : whether the rows are deleted with the person, or
    stay. hidden : columns that are not exported: keys and digests. anonymise : "package.module:function", which takes
    an ``ErasedPerson``, removes what names them from rows that stay, and returns how many rows were theirs.
    """

    model: str
    field: str
    title: str
    erasing: Literal["delete", "keep"]
    hidden: tuple[str, ...] = ()
    anonymise: str = ""

    @property
    def name(self) -> str:
        """The name of its table in exports."""
        return f"{self.model.replace('.', '_').lower()}_{self.field}"
