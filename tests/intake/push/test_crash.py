"""Killed at any step: what was acknowledged is there, once; what was not is there whole or not at all."""

from __future__ import annotations

import csv
import http.client
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests import forked
from tests.intake.push.pusher import slots_of
from tests.serving import Installation, end_group, free_port

IN_THE_PUSH = ("push.before_commit", "push.after_commit")
IN_THE_FOLDING = (
    "push.marked",
    "lake.before_commit",
    "lake.after_commit",
    "push.after_commit_of_lake",
    "intake.before_done",
)
AFTER_THE_COMMIT = IN_THE_FOLDING[-3:]


def pusher(installation: Installation, number: int, failpoint: str = "") -> tuple[int, list[dict[str, Any]]]:
    command = [sys.executable, "-m", "tests.intake.push.pusher", str(number), failpoint]
    done = forked.run(command, env=installation.environment)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_a_push_killed_at_a_failpoint_is_whole_or_not_there_and_folding_takes_each_once(
    installation: Installation,
) -> None:
    truth: dict[str, float] = {}
    points = [*IN_THE_PUSH, *IN_THE_FOLDING]
    for number, failpoint in enumerate([*points, ""]):
        code, told = pusher(installation, number, failpoint)
        assert code == (-signal.SIGKILL if failpoint else 0), failpoint
        is_in_lake = number == 0 or points[number - 1] in AFTER_THE_COMMIT
        if is_in_lake:
            assert told[0]["held"] == truth, f"{points[number - 1]}: the lake has all of it"
        new = {start: value for start, value in slots_of(number).items() if start not in truth}
        if failpoint == "push.before_commit":
            continue
        truth |= new
        if failpoint not in IN_THE_PUSH:
            sent = len(slots_of(number))
            assert told[1] == {"added": len(new), "unchanged": sent - len(new)}, f"after {points[number - 1]}"
    left = told[-1]
    assert (left["held"], left["waiting"]) == (truth, 0)
    assert {state for state, *_ in left["batches"]} == {"done", "failed"}
    assert sum(added for _, added, _ in left["batches"]) == len(truth), "nothing came in twice"
    assert sum(changed for *_, changed in left["batches"]) == 0


class Devices:
    """Three devices that push to a server until it is gone, and keep what they were told."""

    def __init__(self, token: str) -> None:
        self.acknowledged: dict[str, dict[str, float]] = {f"DEVICE{n}": {} for n in range(3)}
        self.unsure: dict[str, dict[str, float]] = {name: {} for name in self.acknowledged}
        self._token = token
        self._sent = dict.fromkeys(self.acknowledged, 0)

    def wait_for(self, more: int, timeout_s: float = 60) -> None:
        """Wait until each device has had some more answers."""
        wanted = {name: len(slots) + 48 * more for name, slots in self.acknowledged.items()}
        until = time.monotonic() + timeout_s
        while any(len(self.acknowledged[name]) < slots for name, slots in wanted.items()):
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.02)

    def run(self, port: int) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._device, args=[name, port]) for name in self.acknowledged]
        for thread in threads:
            thread.start()
        return threads

    def _device(self, name: str, port: int) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            while self._is_answered(name, connection):
                pass

    def _is_answered(self, name: str, connection: http.client.HTTPConnection) -> bool:
        """Push a day; say whether the server acknowledged it."""
        number = self._sent[name]
        self._sent[name] += 1
        start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number)
        slots = {f"{start + timedelta(minutes=30 * k):%Y-%m-%dT%H:%M:%SZ}": float(number) for k in range(48)}
        readings = [{"start": at, "value": value} for at, value in slots.items()]
        body = json.dumps({"quantity": "import", "unit": "kWh", "readings": readings})
        try:
            connection.request("POST", f"/api/meters/{name}/readings", body, {"Authorization": f"Bearer {self._token}"})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.unsure[name] |= slots
            return False
        assert answer.status == 200, text
        self.acknowledged[name] |= slots
        return True


def test_what_a_server_acknowledged_before_it_was_killed_is_there_afterwards(
    installation: Installation, tmp_path: Path
) -> None:
    meters = tmp_path / "meters.csv"
    meters.write_text("identifier,site\n" + "".join(f"DEVICE{n},Works\n" for n in range(3)))
    sites = tmp_path / "sites.csv"
    sites.write_text("name,timezone\nWorks,UTC\n")
    for path in (sites, meters):
        assert installation.run("import", path).returncode == 0
    installation.run("user", "add", "gateway@example.com", "--role", "admin")
    token = installation.run("token", "create", "gateway@example.com", "--name", "gateway", "--scope", "push")
    devices = Devices(token.stdout.strip())
    chance = random.Random(3)
    for _ in range(2):
        port = free_port()  # another each time: of a killed server something may still listen for a moment
        server = started(installation, port)
        threads = devices.run(port)
        devices.wait_for(4)
        time.sleep(2 * chance.random())
        os.killpg(server.pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        end_group(server)
    held: dict[str, dict[str, float]] = {}
    for _ in range(20):  # one folding begins some seconds after another
        assert installation.run("worker", "--until-empty").returncode == 0
        held = values_held(installation)
        if all(slots.items() <= held.get(name, {}).items() for name, slots in devices.acknowledged.items()):
            break
        time.sleep(1)
    for name, slots in devices.acknowledged.items():
        assert slots.items() <= held[name].items()
        assert held[name].items() <= (slots | devices.unsure[name]).items()


def started(installation: Installation, port: int) -> subprocess.Popen[str]:
    server = installation.start("serve", "--port", str(port), ECLECTYC_TOKEN_REQUESTS="1000000")
    assert server.stdout
    for line in server.stdout:
        if "Control-C" in line:
            return server
    raise AssertionError(server.stderr.read() if server.stderr else "")


def values_held(installation: Installation) -> dict[str, dict[str, float]]:
    """Return every value that the installation exports, by meter and the start of its slot."""
    exported = installation.run("export", "readings", "--from", "2025-01-01", "--to", "2030-01-01")
    found: dict[str, dict[str, float]] = {}
    for row in csv.DictReader(io.StringIO(exported.stdout)):
        start = datetime.fromisoformat(row["start"]).astimezone(UTC)
        found.setdefault(row["meter"], {})[f"{start:%Y-%m-%dT%H:%M:%SZ}"] = float(row["value"])
    return found
