"""How every list is asked for, how every body is read, and how one thing is found by its number."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

from django.db.models import Model, QuerySet
from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field

from eclectyc.accounts.actor import Actor
from eclectyc.api.schemas import MOST_ITEMS, ErrorOut, Parameters, Text
from eclectyc.kernel.errors import Forbidden, Invalid, NotFound

T = TypeVar("T", bound=Model)
LARGEST_NUMBER: Final = 2**53 - 1  # what JSON carries exactly, and the registry's keys hold
REFUSALS: Final = dict.fromkeys((401, 403, 422, 429), ErrorOut)
ONE: Final = {**REFUSALS, 404: ErrorOut}
CHANGING: Final = {**ONE, 400: ErrorOut, 409: ErrorOut}


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):  # JSON's true is not the number 1
        raise ValueError("a number is wanted")
    return value


Number = Annotated[int, BeforeValidator(_no_boolean), Field(ge=1, le=LARGEST_NUMBER)]


class Page(Parameters):
    """Which part of a list; every list takes these."""

    limit: int = Field(100, ge=1, le=MOST_ITEMS)
    offset: int = Field(0, ge=0, le=10**9)


class Searched(Page):
    search: Text | None = Field(None, description="Part of a name or an address.")


class Body(Schema):
    """What is sent; a field that is not declared is refused."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """Return only what was sent: what is left out stays as it is."""
        return self.model_dump(exclude_unset=True)


def not_null(body: dict[str, Any], *fields: str) -> dict[str, Any]:
    """Refuse null for fields that are either left out or have a value."""
    for field in fields:
        if field in body and body[field] is None:
            raise Invalid(f"{field} cannot be null.", "Leave it out to keep it as it is.", field=field)
    return body


def one(visible: QuerySet[T], number: int, what: str, *, field: str = "") -> T:
    """Return one of what the actor may see: another's and a missing one are the same answer by the same query."""
    found = visible.filter(pk=number).first()
    if found is None:
        raise NotFound(f"There is no {what} {number}.", "Check its number.", field=field)
    return found


def require_somewhere(actor: Actor, *permissions: str) -> None:
    """Raise ``Forbidden`` unless the actor has one of these permissions anywhere."""
    if not any(actor.may_somewhere(permission) for permission in permissions):
        raise Forbidden("Your role does not allow this.", "Ask an administrator of your organisation.")


def page_of(found: QuerySet[T], asked: Page) -> tuple[list[T], int]:
    """Return a page of a list and how many there are in all: two queries."""
    return list(found[asked.offset : asked.offset + asked.limit]), found.count()
