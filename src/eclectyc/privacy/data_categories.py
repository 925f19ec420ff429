"""Data categories with a retention period, as the rooms register them.

Readings are not among them: they belong to the estate, and are deleted with their meter.
"""

from __future__ import annotations

from eclectyc.kernel.data_protection import RetentionCategory
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.hooks import retention_categories


def categories() -> list[RetentionCategory]:
    return list(retention_categories)


def category_named(name: str) -> RetentionCategory:
    names = retention_categories.names()
    if name not in names:
        raise Invalid(f"There is no kind of data {name[:40]!r}.", f"Use one of: {', '.join(names)}.", field="kind")
    return retention_categories.load(name)
