"""Recovery at the start of a long-running process."""

from __future__ import annotations

from collections.abc import Callable

from eclectyc.kernel.errors import EclectycError
from eclectyc.kernel.plurals import counted


def settle_what_was_left(tell: Callable[[str], None]) -> None:
    """Recover imports interrupted by a crash, and report them. An unavailable lake does not prevent the start."""
    from eclectyc.batches.models import Batch

    if not Batch.objects.filter(state__in=(Batch.PENDING, Batch.COMMITTED)).exists():
        return  # the lake is not even loaded
    from eclectyc.batches.lifecycle import recover

    try:
        settled = recover()
    except (EclectycError, OSError) as fault:
        reason = " ".join(str(fault).split())
        tell(f"Interrupted imports are not recovered yet: {reason} The next import, or eclectyc batches, does it.")
        return
    if settled:
        states = ", ".join(f"batch {batch.pk} {batch.state}" for batch in settled)
        cut_off = "that was interrupted" if len(settled) == 1 else "that were interrupted"
        tell(f"Recovered {counted(len(settled), 'import')} {cut_off}: {states}.")
