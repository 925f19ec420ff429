"""A process that pushes a day of readings and folds the inbox, and may be killed on its way.

``python -m tests.intake.push.pusher NUMBER [FAILPOINT]`` prints, a JSON object a line: what it found; the answer to its
push; what it folded; what it leaves. The failpoint is armed after the first, once dead batches are settled.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime, timedelta
from typing import Any

FIRST = date(2025, 1, 30)  # the pushes touch two months, so two files of the lake
METER = "KILLED1"
STEP = timedelta(minutes=30)


def slots_of(number: int) -> dict[str, float]:
    """Return the slots of a push: a day of its own, and the day before as the push before had it."""
    start = datetime.combine(FIRST + timedelta(days=number), datetime.min.time())
    return {f"{start + k * STEP:%Y-%m-%dT%H:%M:%SZ}": number + (k >= 0) for k in range(-48 if number else 0, 48)}


def found() -> dict[str, Any]:
    """Return what the lake holds of the meter, what waits in the inbox, and the state of each batch."""
    from eclectyc.batches.models import Batch
    from eclectyc.estate.models import Meter
    from eclectyc.intake.push.models import Push
    from tests.intake.import_calls import held

    slots = held(METER) if Meter.objects.filter(identifier=METER).exists() else {}
    return {
        "held": {f"{start:%Y-%m-%dT%H:%M:%SZ}": value for start, (value, _) in slots.items()},
        "waiting": sum(Push.objects.values_list("readings", flat=True)),
        "batches": [[b.state, b.added, b.changed] for b in Batch.objects.order_by("pk")],
    }


def tell(value: object) -> None:
    print(json.dumps(value), flush=True)


def main(number: int, failpoint: str) -> None:
    from eclectyc.cli.session import OPERATOR, chosen_organisation, ready

    ready()
    from eclectyc.batches.lifecycle import recover
    from eclectyc.estate.models import Meter
    from eclectyc.intake.push.drain import drain_inbox
    from eclectyc.intake.push.message import Message
    from eclectyc.intake.push.service import push_readings
    from eclectyc.kernel import failpoints
    from tests.factories import make_meter, make_site

    tell(found())
    meter = Meter.objects.filter(identifier=METER).first()
    meter = meter or make_meter(make_site(chosen_organisation(None), timezone="UTC"), METER)
    recover()
    failpoints._armed = failpoint
    readings = [{"start": start, "value": value} for start, value in slots_of(number).items()]
    document = {"quantity": "import", "unit": "kWh", "readings": readings}
    answer = push_readings(OPERATOR, meter=meter, message=Message.from_document(document))
    tell({"added": answer.added, "unchanged": answer.unchanged})
    tell({"readings": drain_inbox().readings})
    tell(found())


if __name__ == "__main__":
    main(int(sys.argv[1]), "".join(sys.argv[2:]))
