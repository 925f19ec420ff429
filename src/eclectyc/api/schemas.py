"""Schemas. Those of answers serve documentation and tests; long answers are written directly."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from django.http import HttpRequest
from ninja import Schema
from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, WithJsonSchema, model_validator

from eclectyc.analytics.periods import By
from eclectyc.estate.lists import METER_SORTS
from eclectyc.estate.models import Direction, Quantity, SiteType, Utility
from eclectyc.kernel.errors import Invalid

MOST_ITEMS: Final = 1000
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
MOMENT: Final = rf"^{_DAY}([Tt ]{_CLOCK}([Zz]|[+ -][0-9]{{2}}:[0-9]{{2}}))?$"

_SIGNS = ("", "-")  # a minus reverses the order
if TYPE_CHECKING:
    UtilityName: TypeAlias = str
    DirectionName: TypeAlias = str
    QuantityName: TypeAlias = str
    SiteTypeName: TypeAlias = str
    MeterSort: TypeAlias = str
else:
    UtilityName = Literal[tuple(Utility.values)]
    DirectionName = Literal[tuple(Direction.values)]
    QuantityName = Literal[tuple(Quantity.values)]
    SiteTypeName = Literal[tuple(SiteType.values)]
    MeterSort = Literal[tuple(sign + name for name in METER_SORTS for sign in _SIGNS)]


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a name cannot contain a NUL character")
    return text


Text = Annotated[
    str,
    StringConstraints(max_length=200),
    AfterValidator(_no_nul),
    WithJsonSchema({"type": "string", "maxLength": 200, "pattern": r"^[^\x00]*$"}),
]
Moment = Annotated[str, WithJsonSchema({"type": "string", "pattern": MOMENT})]  # read by moments.moment_of


def refuse_unknown(request: HttpRequest, known: Iterable[str]) -> None:
    """Raise ``Invalid`` for an unknown query parameter: a misspelt filter must not widen an answer."""
    unknown = sorted(set(request.GET) - set(known))
    if unknown:
        words = ", ".join(sorted(known))
        remedy = f"Known here: {words}." if words else "This address has none."
        raise Invalid(f"There is no parameter {unknown[0][:80]!r}.", remedy, field=unknown[0][:80])


class Parameters(Schema):
    """Query parameters; undeclared ones are refused."""

    @model_validator(mode="before")
    @classmethod
    def _none_unknown(cls, data: Any, info: ValidationInfo) -> Any:
        if info.context:
            refuse_unknown(info.context["request"], [f.alias or name for name, f in cls.model_fields.items()])
        return data


def refusing_undeclared(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate an operation that declares no ``asked``: it refuses query parameters."""
    if any(name == "asked" for name in inspect.signature(view).parameters):
        return view

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refuse_unknown(request, ())
        return view(request, *args, **kwargs)

    return guarded


class OneMeter(Parameters):
    organisation: Text | None = Field(None, description="Name or number, if several have a meter of this name.")


class MeterList(Parameters):
    limit: int = Field(100, ge=1, le=MOST_ITEMS)
    offset: int = Field(0, ge=0, le=10**9)
    organisation: Text | None = Field(None, description="Name or number.")
    site: Text | None = Field(None, description="Name or number.")
    region: Text | None = Field(None, description="Name or number.")
    utility: UtilityName | None = None
    direction: DirectionName | None = None
    is_active: bool | None = None
    search: Text | None = Field(None, description="Words in an identifier, serial, meter name, site name or postcode.")
    supplier: Text | None = Field(None, description="Name or number.")
    parent: Text | None = Field(None, description="Identifier of a main meter: selects the meters directly below it.")
    site_type: SiteTypeName | None = Field(None, description="Of their sites.")
    is_sub: bool | None = Field(None, description="Only sub-meters, or only main meters.")
    is_virtual: bool | None = Field(None, description="Only virtual meters, or only the others.")
    sort: MeterSort = "identifier"


class ReadingsWindow(Parameters):
    from_: Moment | None = Field(
        None, alias="from", description="Local date, or instant with its offset. Default: the first reading's day."
    )
    to: Moment | None = Field(None, description="The same, exclusive. Default: the day after the last reading's.")
    by: By = "day"
    quantity: QuantityName | None = Field(
        None, description="Default: import; for a gas meter with volumes only, volume."
    )
    organisation: Text | None = Field(None, description="Name or number, if several have a meter of this name.")


class ErrorDetail(Schema):
    code: str
    message: str
    field: str | None = None


class ErrorOut(Schema):
    error: ErrorDetail


class FormulaPartOut(Schema):
    meter: int
    identifier: str
    quantity: QuantityName
    factor: str = Field(description='Exact: "1", "-0.5" or "1/3".')


class MeterOut(Schema):
    id: int
    identifier: str = Field(description="As printed on the bill or plate: MPAN, MPRN, SPID or serial.")
    name: str
    organisation: str
    organisation_id: int
    site: str
    site_id: int
    region: str | None
    utility: UtilityName
    direction: DirectionName
    unit: str
    step: int = Field(description="Minutes per reading; 1440 for whole days.")
    multiplier: float
    correction: float = Field(description="Factor of gas volumes for temperature and pressure.")
    serial: str
    supplier: str
    supplier_id: int | None
    parent: str | None = Field(description="The identifier of the main meter, if this is a sub-meter.")
    parent_id: int | None
    installed: date | None
    removed: date | None
    is_active: bool
    is_virtual: bool = Field(description="Whether its readings are calculated from other meters'.")
    formula: str = Field(description="Of a virtual meter, as typed; a meter that you do not see is shown as [hidden].")
    parts: list[FormulaPartOut] = Field(description="The meters of its formula that you see.")
    hidden_parts: int = Field(description="The number of meters in its formula that you do not see.")
    timezone: str
    outside_references: dict[str, str]
    version: int = Field(description="Increases with each change; also the answer's ETag.")
    warnings: list[str] = Field(description="Warnings, such as a wrong MPAN check digit.")


class MeterPage(Schema):
    items: list[MeterOut]
    count: int = Field(description="The total number.")


class ReadingOut(Schema):
    start: datetime
    end: datetime
    value: float | None = Field(description="Null if nothing is present: a gap is not zero.")
    present: int
    expected: int
    estimated: int


class ReadingsOut(Schema):
    meter: str
    quantity: QuantityName
    unit: str
    timezone: str
    by: By
    from_: str | None = Field(alias="from")
    to: str | None
    readings: list[ReadingOut]


Verdict = Annotated[str, WithJsonSchema({"type": "string", "enum": ["healthy", "degraded", "critical"]})]


class CheckOut(Schema):
    name: str
    status: Verdict
    message: str
    detail: dict[str, Any] = Field(default_factory=dict)


class HealthOut(Schema):
    status: Verdict
    checks: list[CheckOut] | None = Field(None, description="For a signed-in administrator only.")
