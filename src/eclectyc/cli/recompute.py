"""What commands that write do at their end: what rests on what they wrote is worked out at once."""

from __future__ import annotations

from eclectyc.cli.session import say
from eclectyc.kernel.plurals import counted, plural


def follow() -> None:
    """Work out what has become stale. Where that cannot be done now, say so: it is kept, and done later."""
    from eclectyc.derived.models import Stale
    from eclectyc.kernel.errors import EclectycError

    if not Stale.objects.waiting().exists():
        return
    from eclectyc.derived.engine import recalculate

    try:
        done = recalculate(waiting=lambda other: say(f"waiting for another import ({other})"))
    except EclectycError as error:
        say(f"What rests on these readings is not worked out yet: {error}")
        return
    if done.faulty:
        say(f"{counted(done.faulty, 'span')} of derived series could not be worked out: see eclectyc health.")
    if done.changed:
        say(f"{counted(done.changed, 'derived reading')} {plural(done.changed, 'is', 'are')} worked out anew.")
