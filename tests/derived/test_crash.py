"""Killed at any step: what depends on an import is recalculated by the next process, once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

from tests.forked import Forked
from tests.serving import Installation

POINTS = (
    "lake.before_commit",  # of the import: nothing came in
    "lake.after_commit",
    "intake.before_done",
    "derived.begun",
    "derived.before_write",
    "derived.after_commit_of_lake",
)


def start(installation: Installation, day: int, value: str, failpoint: str = "") -> Forked:
    return Forked(
        [sys.executable, "-m", "tests.derived.follower", str(day), value, failpoint],
        env=installation.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def state_before(process: Forked, *, is_killed: bool = False) -> dict[str, Any]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == (-signal.SIGKILL if is_killed else 0), err
    return json.loads(out.splitlines()[0])


def test_a_kill_anywhere_loses_no_recalculation(installation: Installation) -> None:
    state_before(start(installation, 1, "1"))
    held = 1
    for number, failpoint in enumerate([*POINTS, ""]):
        found = state_before(start(installation, 1, str(number + 2), failpoint), is_killed=bool(failpoint))
        what = POINTS[number - 1] if number else "nothing"
        expected = {"TOP": {"1": 48 * held}, "MID": {"2": 96 * held}, "LOW": {"3": 192 * held}}
        assert found["totals"] == expected, what
        assert found["stale"] == 0, what
        assert {state for _, state in found["states"]} <= {"done", "failed"}
        held = held if failpoint == "lake.before_commit" else number + 2


def test_two_processes_at_once_recalculate_everything(installation: Installation) -> None:
    state_before(start(installation, 30, "1"))
    for process in [start(installation, day, str(day)) for day in (1, 10)]:
        state_before(process)
    found = state_before(start(installation, 30, ""))
    assert found["totals"]["MID"] == {"2": 96, "11": 960}
    assert found["totals"]["LOW"] == {"3": 192, "12": 1920}
    assert found["stale"] == 0
