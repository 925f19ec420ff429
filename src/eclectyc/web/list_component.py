"""The list of every page that has one: search, chips, columns that sort, pages, rows that can be ticked and changed.

``web/components/list.html`` shows its values. Keys: ``/`` searches, ``↓`` ``↑`` go through the rows, Enter opens one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from django.http import QueryDict

from eclectyc.web.forms import Form
from eclectyc.web.list_query import PAGE_SIZE, Column, Heading, headings, search_words

LARGEST_PAGE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one cell. ``mark`` is a word that qualifies it; ``family`` colours it as a utility."""

    text: str
    address: str = ""
    under: str = ""
    is_number: bool = False
    family: str = ""
    mark: str = ""
    is_wrong: bool = False
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A row; its first cell names it. ``pk`` lets it be chosen."""

    cells: Sequence[Cell]
    pk: int | None = None


@dataclass(frozen=True, slots=True)
class Chip:
    """One value of a filter, or all of them (an empty value)."""

    name: str
    value: str
    is_current: bool
    family: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that lives in the address as a parameter. Many choices are a select, few are chips."""

    label: str
    parameter: str
    chips: Sequence[Chip]

    @property
    def is_long(self) -> bool:
        """Whether it is shown as a select."""
        return len(self.chips) > 8

    @property
    def current(self) -> str:
        """The value that is chosen."""
        return next((chip.value for chip in self.chips if chip.is_current), "")


@dataclass(frozen=True, slots=True)
class PageSlice:
    """Which part of a list is shown; as a template's pager reads it."""

    number: int
    count: int
    size: int = PAGE_SIZE

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    @property
    def num_pages(self) -> int:
        return max(1, -(-self.count // self.size))

    @property
    def paginator(self) -> PageSlice:
        return self

    @property
    def start_index(self) -> int:
        return min(self.offset + 1, self.count)

    @property
    def end_index(self) -> int:
        return min(self.offset + self.size, self.count)

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @property
    def has_next(self) -> bool:
        return self.number < self.num_pages

    @property
    def previous_page_number(self) -> int:
        return min(self.number - 1, self.num_pages)

    @property
    def next_page_number(self) -> int:
        return self.number + 1


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as a page shows it."""

    name: str  # of its things: "sites"
    one: str  # "site"
    headings: list[Heading]
    rows: list[Row]
    page: PageSlice
    words: str = ""
    sort: str = ""
    placeholder: str = "Name"
    filters: Sequence[Filter] = ()
    bulk: Form | None = None
    first_step: str = ""  # what to do where there is nothing yet
    hidden_fields: Sequence[tuple[str, str]] = field(default_factory=tuple)  # parameters that a search keeps

    @property
    def counted(self) -> str:
        """Its things as the filter of that name takes them: "site/sites"."""
        return f"{self.one}/{self.name}"

    @property
    def is_narrowed(self) -> bool:
        """Whether a search or a filter is on."""
        return bool(self.words) or any(one.current for one in self.filters)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list's address says."""

    query: QueryDict
    sorts: Sequence[str]
    default: str

    @property
    def words(self) -> str:
        return search_words(self.query)

    @property
    def sort(self) -> str:
        asked = self.query.get("sort", self.default)
        return asked if asked.removeprefix("-") in self.sorts else self.default

    @property
    def number(self) -> int:
        asked = self.query.get("page", "1")
        known = asked.isascii() and asked.isdigit() and len(asked) < 8
        return min(max(int(asked), 1), LARGEST_PAGE) if known else 1

    @property
    def offset(self) -> int:
        return (self.number - 1) * PAGE_SIZE

    def one_of(self, parameter: str, values: Sequence[str]) -> str:
        """Return a filter's value, or nothing where it is none that is known."""
        asked = self.query.get(parameter, "")
        return asked if asked in values else ""

    def hidden_fields(self, *parameters: str) -> list[tuple[str, str]]:
        """Return the parameters that a new search keeps."""
        return [(p, str(self.query[p])) for p in (*parameters, "sort") if self.query.get(p)]


def filter_of(
    asked: ListQuery, label: str, parameter: str, choices: Sequence[tuple[str, str]], **families: str
) -> Filter:
    """Return a filter with its chips; the first shows all."""
    current = asked.one_of(parameter, [value for value, _ in choices])
    chips = [Chip("All", "", not current)]
    chips += [Chip(name, value, value == current, families.get(value, "")) for value, name in choices]
    return Filter(label, parameter, chips)


def list_headings(wanted: Sequence[Column], asked: ListQuery) -> list[Heading]:
    """Return a list's headings."""
    return headings(wanted, asked.sort)


def yes_or_no(text: str) -> bool | None:
    """Return what a filter of two values means."""
    return {"yes": True, "no": False}.get(text)
