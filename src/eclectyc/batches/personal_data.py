"""Remove an erased person from batches, which stay."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from eclectyc.batches.models import Batch
from eclectyc.kernel.data_protection import ErasedPerson

_REPLACEMENT: Final = "(a name that was erased)"


def anonymise(person: ErasedPerson) -> int:
    own = Q(user=person.user_id) | Q(actor_label__iexact=person.email)
    count = Batch.objects.filter(own).update(actor_label=person.label)
    remove_address(Batch, "file_name", person.email)
    return count


def remove_address(model: Any, column: str, email: str) -> None:
    """Replace file names, and texts of reports, that contain an address."""
    rows = model._base_manager.annotate(written=Cast("report", TextField()))
    for row in rows.filter(Q(**{f"{column}__icontains": email}) | Q(written__icontains=email)):
        name = str(getattr(row, column))
        name = _REPLACEMENT if email.casefold() in name.casefold() else name
        report = _without(row.report, email.casefold())
        model._base_manager.filter(pk=row.pk).update(**{column: name, "report": report})


def _without(report: Any, email: str) -> Any:
    if isinstance(report, dict):
        return {key: _without(value, email) for key, value in report.items()}
    if isinstance(report, list):
        return [_without(value, email) for value in report]
    return _REPLACEMENT if isinstance(report, str) and email in report.casefold() else report
