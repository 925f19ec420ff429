"""A process that recalculates, prints what it sees, then imports a day and recalculates what depends on it.

``python -m tests.derived.follower DAY VALUE [FAILPOINT]``: the whole of that day in June 2025 has the value.
The failpoint is armed from the import on.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

JUNE = (date(2025, 6, 1), date(2025, 7, 1))


def state() -> dict[str, Any]:
    from eclectyc.batches.models import Batch
    from eclectyc.derived.models import Stale
    from eclectyc.estate.models import Series
    from eclectyc.lake.store import connect

    totals: dict[str, dict[str, float]] = {"TOP": {}, "MID": {}, "LOW": {}}
    for series in Series.objects.select_related("meter"):
        for day, total in connect().days([series.pk], *JUNE).select("day", "total").iter_rows():
            totals[series.meter.identifier][str(day.day)] = total
    states = list(Batch.objects.order_by("pk").values_list("kind", "state"))
    return {"totals": totals, "stale": Stale.objects.count(), "states": states}


def main(day: int, value: str, failpoint: str) -> None:
    from eclectyc.cli.session import OPERATOR, chosen_organisation, ready

    ready()
    from eclectyc.batches.lifecycle import recover
    from eclectyc.derived import registry
    from eclectyc.derived.engine import recalculate
    from eclectyc.estate.models import Meter, Site
    from eclectyc.intake.import_options import ImportOptions
    from eclectyc.intake.service import import_file
    from eclectyc.kernel import failpoints
    from tests.derived.twice import only_twice

    registry.derivations = only_twice()  # type: ignore[misc]
    organisation = chosen_organisation(None)
    site, _ = Site.objects.get_or_create(organisation=organisation, name="Here")
    above = None
    for name in ("TOP", "MID", "LOW"):
        fields = {"site": site, "parent": above, "name": "twice" if above else ""}
        above, _ = Meter.objects.get_or_create(organisation=organisation, identifier=name, defaults=fields)
    recover()
    recalculate()
    print(json.dumps(state()), flush=True)
    failpoints._armed = failpoint
    if value:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "day.csv")
            heads = ",".join(f"HH{k + 1}" for k in range(48))
            path.write_text(f"Meter,Date,{heads}\nTOP,{day:02}/06/2025,{','.join([value] * 48)}\n")
            import_file(OPERATOR, organisation=organisation, path=path, options=ImportOptions())
    recalculate()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], "".join(sys.argv[3:]))
