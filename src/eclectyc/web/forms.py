"""Forms that are checked by the services: a page defines the fields, a service validates the values.

Values are kept as typed, so that nothing is lost when a service refuses them; errors are shown next to their fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from django.http import QueryDict

from eclectyc.kernel.errors import Busy, Conflict, EclectycError, Forbidden, Invalid, NotFound, TooMany

T = TypeVar("T")
Choice = tuple[str, str]

STATUS: Final[dict[type[EclectycError], int]] = {Forbidden: 403, Conflict: 409, TooMany: 429, Busy: 503, NotFound: 409}
LONGEST_VALUE: Final = 10_000
AS_IT_IS: Final = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a form. ``kind`` is an input's type, or textarea, select, check, checks, file."""

    name: str
    label: str
    kind: str = "text"
    help: str = ""
    choices: tuple[Choice, ...] = ()
    suggestions: tuple[str, ...] = ()
    suggests: str = ""  # what is looked for while typing: site, region, supplier, meter
    checked_at: str = ""  # an address that answers what the typed text means; it gets these other fields too
    checked_with: str = ""
    is_required: bool = False
    is_wide: bool = False
    group: str = ""
    autocomplete: str = "off"
    rows: int = 3

    @property
    def has_suggestions(self) -> bool:
        """Whether values are suggested, from a list or while typing."""
        return bool(self.suggestions or self.suggests)


@dataclass(frozen=True, slots=True)
class Option:
    """A choice, and whether it is chosen."""

    value: str
    label: str
    is_chosen: bool
    id: str


@dataclass(frozen=True, slots=True)
class BoundField:
    """A field with what was typed and its error."""

    field: Field
    id: str
    value: str
    values: tuple[str, ...]
    error: str

    @property
    def template(self) -> str:
        """The component that draws its input."""
        drawn = self.field.kind if self.field.kind in ("select", "textarea", "file") else "input"
        return f"web/components/form_{drawn}.html"

    @property
    def options(self) -> list[Option]:
        """The choices; a value that is none of them is kept."""
        found = list(self.field.choices)
        if self.field.kind == "select" and self.value not in {value for value, _ in found}:
            found.append((self.value, self.value))
        return [Option(v, label, v in self.values, f"{self.id}_{n}") for n, (v, label) in enumerate(found)]

    @property
    def described_by(self) -> str:
        """The ids of its help and its error."""
        parts = [f"{self.id}_help"] if self.field.help else []
        return " ".join([*parts, f"{self.id}_error"] if self.error else parts)

    @property
    def is_on(self) -> bool:
        """Whether a check is set."""
        return self.value == "true"


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under one heading."""

    name: str
    fields: list[BoundField]


@dataclass(slots=True)
class Form:
    """Fields with values and errors. ``fault`` is an error of the form as a whole, ``status`` the answer's."""

    fields: tuple[Field, ...]
    typed: dict[str, list[str]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    remedy: str = ""
    status: int = 200
    prefix: str = "id"

    @classmethod
    def from_values(cls, fields: Iterable[Field], values: Mapping[str, object], prefix: str = "id") -> Form:
        """Return a form that shows stored values."""
        return cls(tuple(fields), {name: [_value_text(value)] for name, value in values.items()}, prefix=prefix)

    @classmethod
    def from_post(cls, fields: Iterable[Field], data: QueryDict, prefix: str = "id") -> Form:
        """Return a form as it was sent; a box that was not sent is not ticked."""
        every = tuple(fields)
        given = {f.name: [v[:LONGEST_VALUE] for v in data.getlist(f.name)] for f in every if f.kind != "file"}
        for f in every:
            if f.kind == "check":
                given[f.name] = ["true" if data.get(f.name) == "true" else "false"]
        return cls(every, given, prefix=prefix)

    def __getitem__(self, name: str) -> str:
        # A template asks here before it looks for an attribute.
        if name not in self.typed and name not in {f.name for f in self.fields}:
            raise KeyError(name)
        return (self.typed.get(name) or [""])[-1]

    def all(self, name: str) -> list[str]:
        """Return every value of a field that takes several."""
        return self.typed.get(name, [])

    def values(self, *names: str) -> dict[str, Any]:
        """Return values by name, of some fields or of all."""
        return {name: self[name] for name in names or [f.name for f in self.fields]}

    def refuse(self, error: EclectycError) -> None:
        """Show an error next to its field, or above the form."""
        self.status = next((s for kind, s in STATUS.items() if isinstance(error, kind)), 422)
        known = {f.name for f in self.fields}
        if error.field in known:
            self.errors.setdefault(error.field, str(error))
        elif not self.fault:
            self.fault, self.remedy = error.reason, error.remedy

    def attempt(self, action: Callable[[], T]) -> T | None:
        """Run an action; return None and keep the error if a service refuses."""
        try:
            return action()
        except EclectycError as error:
            self.refuse(error)
            return None

    def check(self, checker: Callable[[dict[str, Any]], object], values: Mapping[str, Any]) -> None:
        """Run a service's check on each field, so that all errors are shown at once."""
        for name, value in values.items():
            try:
                checker({name: value})
            except Invalid as error:
                self.refuse(Invalid(error.reason, error.remedy, field=name))

    @property
    def is_good(self) -> bool:
        """Whether nothing was refused."""
        return not self.errors and not self.fault

    @property
    def groups(self) -> list[Group]:
        """The fields by their headings, in order."""
        found: dict[str, list[BoundField]] = {}
        for one in self.fields:
            found.setdefault(one.group, []).append(self.bound(one))
        return [Group(name, fields) for name, fields in found.items()]

    @property
    def faults(self) -> list[tuple[str, str]]:
        """Id and label of every field with an error, for the summary above the form."""
        return [(f"{self.prefix}_{f.name}", f.label) for f in self.fields if f.name in self.errors]

    def bound(self, one: Field) -> BoundField:
        """Return a field with its value and error."""
        values = tuple(self.typed.get(one.name, []))
        return BoundField(one, f"{self.prefix}_{one.name}", self[one.name], values, self.errors.get(one.name, ""))


def _value_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)
