"""Whether the lake that is there is the registry's own, with every batch that is done."""

from __future__ import annotations

from eclectyc.batches.models import Batch
from eclectyc.lake.identity import LakeComparison, LakeIdentity
from eclectyc.lake.known import known_lake, remember
from eclectyc.lake.lease import Lease
from eclectyc.lake.store import Lake, connect


def expected_lake() -> LakeIdentity | None:
    """Return the lake that must be there; None if nothing was ever stored in one.

    Before the registry has learnt its lake, it knows by its batches what must be in there.
    """
    known = known_lake()
    if known is not None:
        return known
    last = Batch.objects.filter(state=Batch.DONE, added__gt=0).order_by("-pk").values_list("pk", flat=True).first()
    return LakeIdentity(last_batch=last) if last else None


def compare_lakes() -> LakeComparison:
    """Compare the lake that must be there with the one that is, opened again."""
    return connect().compare(expected_lake(), newly_opened=True)


def require_own_lake() -> None:
    """Raise ``LakeLost`` if the lake has lost readings. Call it before readings are handed out."""
    connect().compare(expected_lake()).require_own()


def claim_own_lake(lake: Lake, lease: Lease) -> None:
    """Raise ``LakeLost`` if the lake has lost readings; learn which one it is if that is not known yet.

    Call it with the writers' turn held, before anything is settled: what a lost lake lacks has not failed.
    """
    lease.known = expected_lake()
    compared = lake.compare(lease.known)
    compared.require_own()
    if lease.known is not None and not lease.known.table_id and lease.known.last_batch:
        lease.known = compared.found
        remember(compared.found)
