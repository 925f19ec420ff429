"""An import killed at any point: all of it or none, in lake and registry alike, and the next one works."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from typing import Any

from tests.forked import Forked
from tests.intake.importer import METERS, SLOTS
from tests.serving import Installation

BEFORE_COMMIT = (
    "intake.before_lease",
    "intake.after_pending",
    "lake.before_files",
    "lake.between_files",
    "lake.after_files",
    "intake.before_write",
    "lake.before_commit",
)
AFTER_COMMIT = ("lake.after_commit", "intake.after_commit", "intake.before_done")


def start(installation: Installation, first: int, end: int, failpoint: str = "") -> Forked:
    return Forked(
        [sys.executable, "-m", "tests.intake.importer", str(first), str(end), failpoint],
        env=installation.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def meters_of(number: int) -> list[str]:
    return [f"F{number}M{meter}" for meter in range(METERS)]


def check_as_left(state: dict[str, Any]) -> None:
    """What a reader may see at any moment: whole batches, each with all that it stands on."""
    for number, slots in slots_by_file(state).items():
        assert slots == dict.fromkeys(meters_of(number), SLOTS), f"file {number} is in the lake in part"
    assert set(state["slots"]) <= set(state["series"])


def check_settled(state: dict[str, Any], numbers: range) -> set[int]:
    """Once settled: nothing pending, and of each file all or nothing. Return the files that are in."""
    check_as_left(state)
    assert {batch_state for _, batch_state, *_ in state["batches"]} <= {"done", "failed"}
    there = set(slots_by_file(state))
    done = {int(name[4:-4]): added for _, batch_state, name, added in state["batches"] if batch_state == "done"}
    assert set(done) == there
    assert all(added == METERS * SLOTS for added in done.values()), "a recovered batch keeps its counts"
    expected = sorted(meter for number in there for meter in meters_of(number))
    assert state["meters"] == state["series"] == expected
    assert state["sites"] == sorted(f"Site {number}" for number in there)
    assert there <= set(numbers)
    return there


def slots_by_file(state: dict[str, Any]) -> dict[int, dict[str, int]]:
    files: dict[int, dict[str, int]] = {}
    for meter, slots in state["slots"].items():
        files.setdefault(int(meter[1 : meter.index("M")]), {})[meter] = slots
    return files


def lines_of(process: Forked, timeout_s: float = 120) -> list[dict[str, Any]]:
    out, err = process.communicate(timeout=timeout_s)
    assert process.returncode in (0, -signal.SIGKILL), err
    return [json.loads(line) for line in out.splitlines()]


def test_an_import_killed_at_a_failpoint_leaves_all_or_nothing(installation: Installation) -> None:
    points = [*BEFORE_COMMIT, *AFTER_COMMIT]
    inside: set[int] = set()
    for number, failpoint in enumerate([*points, ""]):
        process = start(installation, number, number + 1, failpoint)
        states = lines_of(process)
        assert process.returncode == (-signal.SIGKILL if failpoint else 0), failpoint
        check_as_left(states[0])
        if number and points[number - 1] in AFTER_COMMIT:
            inside.add(number - 1)
        assert check_settled(states[1], range(number)) == inside, points[number - 1]
    assert states[2]["added"] == METERS * SLOTS


def test_an_import_killed_at_any_moment_leaves_all_or_nothing(installation: Installation) -> None:
    chance = random.Random(20)
    first, before = 0, set[int]()
    for _ in range(20):
        process = start(installation, first, first + 100)
        assert process.stdout
        as_left, settled = (json.loads(process.stdout.readline()) for _ in range(2))
        check_as_left(as_left)
        inside = check_settled(settled, range(first))
        assert before <= inside, "what was told to be in is in"
        time.sleep(chance.random() * 0.4)
        process.kill()
        told = lines_of(process)
        before = inside | {line["number"] for line in told}
        first = max([first, *(line["number"] + 1 for line in told)]) + 1
    states = lines_of(start(installation, first, first + 1))
    assert before <= check_settled(states[1], range(first))
    assert states[2]["added"] == METERS * SLOTS


def test_an_undo_killed_at_a_failpoint_is_whole_or_not_at_all(installation: Installation) -> None:
    lines_of(start(installation, 0, 2))
    for failpoint in ("intake.after_pending", "lake.before_commit"):
        assert installation.run("undo", "1", ECLECTYC_FAILPOINT=failpoint).returncode == -signal.SIGKILL
        state = lines_of(start(installation, 0, 0))[1]
        assert set(slots_by_file(state)) == {0, 1}
        assert [b[1] for b in state["batches"]][:2] == ["done", "done"]
    assert installation.run("undo", "1", ECLECTYC_FAILPOINT="lake.after_commit").returncode == -signal.SIGKILL
    state = lines_of(start(installation, 0, 0))[1]
    assert set(slots_by_file(state)) == {1}
    assert [b[1] for b in state["batches"]] == ["undone", "done", "failed", "failed", "done"]
