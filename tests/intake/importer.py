"""A process that imports files one after another and may be killed on its way.

``python -m tests.intake.importer FIRST END [FAILPOINT]`` prints, a JSON object a line: what it found; what it
found once dead imports were settled; then each file's report. The failpoint is armed from then on.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

DAYS = [date(2025, 1, 30) + timedelta(days=n) for n in range(4)]  # in two months, so in two files of the lake
METERS = 2
SLOTS = len(DAYS) * 48


def text_of(number: int) -> str:
    """Return the file of that number: meters of its own, every slot holding the number."""
    header = "Meter,Date," + ",".join(f"HH{k + 1}" for k in range(48))
    lines = [
        f"F{number}M{meter},{day:%d/%m/%Y},{','.join([str(number)] * 48)}" for meter in range(METERS) for day in DAYS
    ]
    return "\n".join([header, *lines]) + "\n"


def found() -> dict[str, Any]:
    """Return the batches by file, and for each meter the sum of its present slots in the lake."""
    from eclectyc.batches.models import Batch
    from eclectyc.estate.models import Meter, Series, Site
    from eclectyc.lake.store import connect

    days = connect().days(None, DAYS[0], DAYS[-1] + timedelta(days=1))
    present: dict[int, int] = {}
    for series, slots in days.select("series", "present").iter_rows():
        present[series] = present.get(series, 0) + slots
    owner = dict(Series.objects.values_list("pk", "meter__identifier"))
    return {
        "batches": [[b.pk, b.state, b.file_name, b.added] for b in Batch.objects.order_by("pk")],
        "meters": sorted(Meter.objects.values_list("identifier", flat=True)),
        "sites": sorted(Site.objects.values_list("name", flat=True)),
        "series": sorted(owner.values()),
        "slots": {owner.get(series, f"nobody's series {series}"): count for series, count in present.items()},
        "last_batch": connect().last_batch(),
    }


def tell(value: object) -> None:
    print(json.dumps(value), flush=True)


def main(first: int, end: int, failpoint: str) -> None:
    from eclectyc.cli.session import OPERATOR, chosen_organisation, ready

    ready()
    from eclectyc.batches.lifecycle import recover
    from eclectyc.intake.import_options import ImportOptions
    from eclectyc.intake.service import import_file
    from eclectyc.kernel import failpoints

    tell(found())
    recover()
    tell(found())
    failpoints._armed = failpoint
    organisation = chosen_organisation(None)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, end):
            path = Path(folder, f"file{number}.csv")
            path.write_text(text_of(number))
            options = ImportOptions(create_meters=True, site=f"Site {number}")
            report = import_file(OPERATOR, organisation=organisation, path=path, options=options)
            tell({"number": number, "added": report.added, "unchanged": report.unchanged, "batch": report.batch})


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), "".join(sys.argv[3:]))
