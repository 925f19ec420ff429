"""What a list's address says: search, filter, order and page. Anything it does not know is passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import F, Model, QuerySet
from django.http import QueryDict

PAGE_SIZE = 50
LONGEST_SEARCH = 100
Thing = TypeVar("Thing", bound=Model)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list. ``sort`` is its order's name in the address, empty where it has none."""

    name: str
    sort: str = ""
    is_number: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's heading as it stands now."""

    column: Column
    is_sorted: str  # ascending, descending or nothing
    next_sort: str


def search_words(query: QueryDict) -> str:
    """Return what is searched for."""
    return query.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]


def ordered(
    found: QuerySet[Thing], query: QueryDict, fields: Mapping[str, str], default: str
) -> tuple[QuerySet[Thing], str]:
    """Return a queryset in the order of the address, nulls last, and that order's name."""
    sort = query.get("sort", default)
    if sort.removeprefix("-") not in fields:
        sort = default
    field = F(fields[sort.removeprefix("-")])
    order = field.desc(nulls_last=True) if sort.startswith("-") else field.asc(nulls_last=True)
    return found.order_by(order, "pk"), sort


def headings(columns: Sequence[Column], sort: str) -> list[Heading]:
    """Return the headings: a second click on a column turns it round; numbers begin with the largest."""
    made = []
    for column in columns:
        ascending, descending = column.sort, f"-{column.sort}"
        is_sorted = {ascending: "ascending", descending: "descending"}.get(sort, "") if column.sort else ""
        first = descending if column.is_number else ascending
        other = ascending if column.is_number else descending
        made.append(Heading(column, is_sorted, other if sort == first else first))
    return made


def page_of(found: QuerySet[Thing], query: QueryDict) -> Page[Thing]:
    """Return the page of the address; the nearest one where that is none."""
    return Paginator(found, PAGE_SIZE).get_page(query.get("page"))
