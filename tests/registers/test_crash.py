"""An import of reads killed at any point, and its undoing: reads, use and batch are all there, or none of them is."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from tests.serving import Installation

# In this order no killed import leaves behind what makes the next one commit a fence, where these points would kill it
# too early. The other points are those of every import: see tests/intake/test_crash.py.
POINTS = ("lake.after_commit", "lake.before_commit", "intake.before_done", "registers.after_reads")
AFTER_COMMIT = ("lake.after_commit", "intake.before_done")

STATE = """
import json
from datetime import date
from eclectyc.estate.models import Meter, Series
from eclectyc.batches.lifecycle import recover
from eclectyc.batches.models import Batch
from eclectyc.registers.models import RegisterRead
from eclectyc.lake.store import connect
recover()
owner = dict(Series.objects.values_list("pk", "meter__identifier"))
totals = {}
for series, total in connect().days(None, date(2025, 1, 1), date(2026, 1, 1)).select("series", "total").iter_rows():
    totals[owner[series]] = totals.get(owner[series], 0) + total
reads = {}
for name in RegisterRead.objects.filter(batch__state="done").values_list("register__meter__identifier", flat=True):
    reads[name] = reads.get(name, 0) + 1
print(json.dumps({
    "totals": totals, "reads": reads, "kept": RegisterRead.objects.count(),
    "states": list(Batch.objects.order_by("pk").values_list("state", flat=True)),
    "meters": sorted(Meter.objects.values_list("identifier", flat=True)),
}))
"""


def state_of(installation: Installation) -> dict[str, Any]:
    done = installation.run("manage", "shell", "-v", "0", "-c", STATE)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def read_file(folder: Path, meter: str, first: float = 0) -> Path:
    path = folder / f"{meter}.csv"
    path.write_text(f"meter,serial,date,reading\n{meter},S,2025-06-01,{first}\n{meter},S,2025-07-03,{first + 320}\n")
    return path


def test_reads_killed_at_a_failpoint_are_all_there_or_none_of_them(installation: Installation, tmp_path: Path) -> None:
    for n, point in enumerate(POINTS):
        path = str(read_file(tmp_path, f"M{n}"))
        options = ("-t", "registers", "--create-meters", "--site", "A")
        done = installation.run("import", path, *options, ECLECTYC_FAILPOINT=point)
        assert done.returncode == -signal.SIGKILL, (point, done.stderr)
    state = state_of(installation)
    inside = [f"M{n}" for n, point in enumerate(POINTS) if point in AFTER_COMMIT]
    assert state["totals"] == dict.fromkeys(inside, 320.0)
    assert state["reads"] == dict.fromkeys(inside, 2)
    assert (state["kept"], state["meters"]) == (2 * len(inside), inside), "a failed batch leaves nothing behind"
    assert set(state["states"]) == {"done", "failed"}

    undone = str(state["states"].index("done") + 1)
    assert installation.run("undo", undone, ECLECTYC_FAILPOINT="lake.before_commit").returncode == -signal.SIGKILL
    assert state_of(installation)["totals"] == state["totals"]
    assert installation.run("undo", undone, ECLECTYC_FAILPOINT="lake.after_commit").returncode == -signal.SIGKILL
    after = state_of(installation)
    assert after["totals"] == dict.fromkeys(inside[1:], 320.0)
    assert after["reads"] == dict.fromkeys(inside[1:], 2)
    assert after["states"][int(undone) - 1] == "undone"
