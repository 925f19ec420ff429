"""How far sealing lags behind: since when events wait to be sealed, and reads to be stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db.models import Max

from eclectyc.audit import keys
from eclectyc.audit.models import Event, Head, Seal
from eclectyc.audit.read_log_queue import FOLDER
from eclectyc.audit.sealed_chain import unsealed
from eclectyc.kernel.errors import EclectycError


@dataclass(frozen=True, slots=True)
class SealLag:
    """When the oldest unsealed event happened and the oldest waiting read was written; None if there is none.

    fault : why nothing can be sealed: the key is missing or wrong.
    """

    events_since: datetime | None
    notes_since: datetime | None
    fault: str = ""

    @property
    def since(self) -> datetime | None:
        return min((moment for moment in (self.events_since, self.notes_since) if moment), default=None)


def seal_lag(*, deep: bool) -> SealLag:
    """Check the events after the last sealed one or, if ``deep``, every event."""
    waiting = unsealed()
    if not deep:
        last = Seal.objects.aggregate(last=Max("event_id"))["last"] or 0
        waiting = Event.objects.filter(pk__gt=last)
    first = waiting.order_by("pk").values_list("at", flat=True).first()
    return SealLag(first, _notes_since(), str(key_fault() or ""))


def _notes_since() -> datetime | None:
    moments = []
    for path in (Path(settings.HOME) / FOLDER).glob("*.jsonl"):
        try:
            found = path.stat()
        except FileNotFoundError:  # stored just now
            continue
        if found.st_size:
            moments.append(datetime.fromtimestamp(found.st_mtime, UTC))
    return min(moments, default=None)


def key_fault() -> EclectycError | None:
    """Return what is wrong with the key, or None: it is the right one, or nothing has been sealed yet."""
    if not Head.objects.filter(last__gt=0).exists():
        return None
    try:
        keys.fitting_key()
    except EclectycError as error:
        return error
    return None
