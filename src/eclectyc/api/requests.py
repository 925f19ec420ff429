"""Shared by routes: parameters of lists, bodies, and finding one thing by number."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

from django.db.models import Model, QuerySet
from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field

from eclectyc.accounts.actor import Actor
from eclectyc.api.schemas import MOST_ITEMS, ErrorOut, Parameters, Text
from eclectyc.kernel.errors import Forbidden, Invalid, NotFound

T = TypeVar("T", bound=Model)
LARGEST_NUMBER: Final = 2**53 - 1  # exact in JSON, and within the registry's keys
REFUSALS: Final = dict.fromkeys((401, 403, 422, 429), ErrorOut)
ONE: Final = {**REFUSALS, 404: ErrorOut}
CHANGING: Final = {**ONE, 400: ErrorOut, 409: ErrorOut}


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):  # JSON's true is not the number 1
        raise ValueError("a number is required")
    return value


Number = Annotated[int, BeforeValidator(_no_boolean), Field(ge=1, le=LARGEST_NUMBER)]


class Page(Parameters):
    """The page of a list."""

    limit: int = Field(100, ge=1, le=MOST_ITEMS)
    offset: int = Field(0, ge=0, le=10**9)


class Searched(Page):
    search: Text | None = Field(None, description="Part of a name or email address.")


class Body(Schema):
    """A body; undeclared fields are refused."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """Return only the fields that were sent."""
        return self.model_dump(exclude_unset=True)


def not_null(body: dict[str, Any], *fields: str) -> dict[str, Any]:
    """Refuse null for fields that must have a value if they are sent."""
    for field in fields:
        if field in body and body[field] is None:
            raise Invalid(f"{field} cannot be null.", "Leave it out to keep it unchanged.", field=field)
    return body


def one(visible: QuerySet[T], number: int, what: str, *, field: str = "") -> T:
    """Return one thing that the actor may see; another's and a missing one give the same answer by the same query."""
    found = visible.filter(pk=number).first()
    if found is None:
        raise NotFound(f"There is no {what} {number}.", "Check its number.", field=field)
    return found


def require_somewhere(actor: Actor, *permissions: str) -> None:
    """Raise ``Forbidden`` unless the actor has one of these permissions anywhere."""
    if not any(actor.may_somewhere(permission) for permission in permissions):
        raise Forbidden("Your role does not allow this.", "Ask an administrator of your organisation.")


def page_of(found: QuerySet[T], asked: Page) -> tuple[list[T], int]:
    """Return a page of a list and the total count: two queries."""
    return list(found[asked.offset : asked.offset + asked.limit]), found.count()
