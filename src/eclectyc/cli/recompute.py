"""Recalculates derived readings at the end of commands that write."""

from __future__ import annotations

from eclectyc.cli.session import say
from eclectyc.kernel.plurals import counted, plural


def follow() -> None:
    """Recalculate outdated derived readings; if that is not possible now, say so: it is done later."""
    from eclectyc.derived.models import Stale
    from eclectyc.kernel.errors import EclectycError

    if not Stale.objects.waiting().exists():
        return
    from eclectyc.derived.engine import recalculate

    try:
        done = recalculate(waiting=lambda other: say(f"waiting for another import ({other})"))
    except EclectycError as error:
        say(f"Derived readings are not recalculated yet: {error}")
        return
    if done.faulty:
        say(f"{counted(done.faulty, 'span')} of derived readings could not be calculated: see eclectyc health.")
    if done.changed:
        say(f"{counted(done.changed, 'derived reading')} {plural(done.changed, 'is', 'are')} recalculated.")
