"""Readings pushed over HTTP to the real server: eight clients, a thousand readings a push, two million in all.

The server, its worker and the clients share the machine. What is told to be added is counted against what the lake
holds in the end: none may be lost, none may be there twice.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import polars as pl
import psutil

from eclectyc.kernel.days import slot_counts
from tests.bench.estate import LONDON, SEED, Estate
from tests.bench.figures import Figure, median
from tests.bench.machine import PROGRAM, environment_of, must
from tests.serving import end_group, free_port

CLIENTS = 8
METERS = 125
READINGS = 1000
PUSHES_A_METER = 16
HALF_HOUR = timedelta(minutes=30)
FOLDED_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What each client sends: for each push a meter and a body."""

    by_client: list[list[tuple[str, bytes]]]

    @classmethod
    def of(cls, meters: list[str]) -> Plan:
        """Every meter gets a run of half-hours up to noon of a day; each client looks after some of the meters."""
        end = datetime(2023, 12, 1, 12, tzinfo=UTC)  # before what the file holds
        load = np.random.default_rng(SEED).normal(5, 1.5, (len(meters), PUSHES_A_METER, READINGS)).round(3)
        lists: list[list[tuple[str, bytes]]] = [[] for _ in range(CLIENTS)]
        for part in range(PUSHES_A_METER):  # a gateway sends a bit of each of its meters, again and again
            first = end - HALF_HOUR * READINGS * (PUSHES_A_METER - part)
            stamps = [(first + HALF_HOUR * n).strftime("%Y-%m-%dT%H:%M:%SZ") for n in range(READINGS)]
            for number, meter in enumerate(meters):
                values = load[number, part].tolist()
                readings = [{"start": at, "value": value} for at, value in zip(stamps, values, strict=True)]
                body = json.dumps({"quantity": "import", "unit": "kWh", "step": 30, "readings": readings}).encode()
                lists[number % CLIENTS].append((meter, body))
        return cls(lists)

    @property
    def readings(self) -> int:
        return sum(map(len, self.by_client)) * READINGS


@dataclass(slots=True)
class Sent:
    """What the clients were told."""

    added: int = 0
    seconds: float = 0.0
    waits_s: list[float] = field(default_factory=list)

    @property
    def worst_s(self) -> float:
        """How long one push in a hundred waits for its answer, at least."""
        return sorted(self.waits_s)[int(len(self.waits_s) * 0.99)]


@contextmanager
def served(home: Path) -> Iterator[tuple[int, psutil.Process]]:
    """Run ``eclectyc serve`` over a home; yields its port and process."""
    port = free_port()
    with (home.parent / f"{home.name}.log").open("w") as log:
        process = subprocess.Popen(
            [PROGRAM, "serve", "--port", str(port)], env=environment_of(home), stdout=subprocess.PIPE, stderr=log,
            text=True, start_new_session=True,
        )  # fmt: skip
    try:
        assert process.stdout
        for line in process.stdout:
            if "Control-C" in line:
                break
        yield port, psutil.Process(process.pid)
    finally:
        end_group(process)


def tokens_of(home: Path) -> list[str]:
    """Make a key for each client."""
    must(home, "user", "add", "gateway@example.com", "--role", "admin")
    return [
        must(home, "token", "create", "gateway@example.com", "--name", f"gateway {n}", "--scope", "push").stdout.strip()
        for n in range(CLIENTS)
    ]


def send(port: int, plan: Plan, tokens: list[str], path: str = "/api/meters/{}/readings") -> Sent:
    """Have all clients send what is theirs, each over one connection."""
    sent, lock = Sent(), threading.Lock()
    faults: list[str] = []

    def client(pushes: list[tuple[str, bytes]], token: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        for meter, body in pushes:
            start = time.perf_counter()
            connection.request("POST", path.format(meter), body, headers)
            answer = connection.getresponse()
            text = answer.read()
            with lock:
                sent.waits_s.append(time.perf_counter() - start)
                if answer.status != 200:
                    faults.append(f"{answer.status}: {text[:300]!r}")
                    return
                sent.added += json.loads(text)["added"]
        connection.close()

    threads = [threading.Thread(target=client, args=each) for each in zip(plan.by_client, tokens, strict=True)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent.seconds = time.perf_counter() - start
    assert not faults, faults[0]
    return sent


def warm_up(port: int, plan: Plan, tokens: list[str]) -> None:
    """Have the server load what it loads at its first pushes; nothing of what is counted is sent."""
    empty = json.dumps({"quantity": "import", "unit": "kWh", "readings": []}).encode()
    send(port, Plan([[(pushes[0][0], empty)] for pushes in plan.by_client]), tokens)


def folded(home: Path) -> float:
    """Wait until nothing is left in the inbox; return how long that took [s]."""
    start = time.perf_counter()
    with sqlite3.connect(f"file:{home / 'eclectyc.sqlite3'}?mode=ro", uri=True) as registry:
        while registry.execute("SELECT count(*) FROM intake_push").fetchone()[0]:
            assert time.perf_counter() - start < FOLDED_WITHIN_S, "the inbox is not folded"
            time.sleep(0.1)
    return time.perf_counter() - start


def held(home: Path, meters: list[str]) -> int:
    """Count the readings that the lake holds of some meters."""
    from deltalake import DeltaTable

    with sqlite3.connect(f"file:{home / 'eclectyc.sqlite3'}?mode=ro", uri=True) as registry:
        marks = ",".join("?" * len(meters))
        series = registry.execute(
            "SELECT s.id FROM estate_series s JOIN estate_meter m ON m.id = s.meter_id"
            f" WHERE m.identifier IN ({marks})",
            meters,
        ).fetchall()
    days = [path for path in DeltaTable(str(home / "lake")).file_uris() if "layer=day" in path]
    frame = pl.scan_parquet(days, hive_partitioning=False).select("series", "present").collect()
    return int(frame.filter(pl.col("series").is_in([one for (one,) in series]))["present"].sum())


def floor(folder: Path, plan: Plan) -> float:
    """Readings a second where each body is only parsed and committed as it is, by one thread, without HTTP."""
    path = folder / "floor.sqlite3"
    path.unlink(missing_ok=True)
    bodies = [body for pushes in plan.by_client for _, body in pushes][:200]
    with sqlite3.connect(path) as registry:
        registry.execute("PRAGMA journal_mode=WAL")
        registry.execute("PRAGMA synchronous=FULL")
        registry.execute("CREATE TABLE push (data BLOB)")
        start = time.perf_counter()
        for body in bodies:
            orjson.loads(body)
            registry.execute("INSERT INTO push VALUES (?)", (body,))
            registry.commit()
        return len(bodies) * READINGS / (time.perf_counter() - start)


def _cpu_s(process: psutil.Process) -> float:
    tree = [process, *process.children(recursive=True)]
    return sum(times.user + times.system for times in (member.cpu_times() for member in tree))


def figures(home: Path, estate: Estate, *, meters: int) -> Iterator[Figure]:
    """Two million readings on an idle server, then the same again: nothing is added."""
    chosen = estate.identifiers[:meters]
    plan, tokens = Plan.of(chosen), tokens_of(home)
    with served(home) as (port, process):
        warm_up(port, plan, tokens)
        before = _cpu_s(process)
        sent = send(port, plan, tokens)
        left_s = folded(home)
        cpu_s = _cpu_s(process) - before
        assert (sent.added, held(home, chosen)) == (plan.readings, plan.readings), "readings were lost or doubled"
        again = send(port, plan, tokens)
        folded(home)
        assert (again.added, held(home, chosen)) == (0, plan.readings), "a repeated push added something"
    yield Figure(
        f"pushed, {plan.readings:,} readings by {CLIENTS} clients",
        plan.readings / sent.seconds,
        "readings/s",
        floor(home.parent, plan),
        "parsed and committed, no HTTP",
        limit=50_000,
        at_least=True,
        note=f"{READINGS:,} a push; {cpu_s / plan.readings * 1e6:.1f} ms of CPU a push, folding included",
    )
    yield Figure("… a push waits for its answer", median(sent.waits_s) * 1000, "ms", note="median")
    yield Figure("… one push in a hundred waits", sent.worst_s * 1000, "ms")
    yield Figure("… until all of it is in the lake, after the last answer", left_s, "s")
    yield Figure("… the same pushed again", plan.readings / again.seconds, "readings/s", note="nothing is added")


def beside_an_import(home: Path, estate: Estate, *, meters: int) -> Iterator[Figure]:
    """The same while a year of every meter is imported: other meters' pushes, one file."""
    chosen = estate.identifiers[:meters]
    plan, tokens = Plan.of(chosen), tokens_of(home)
    path = estate.wide_file(1)  # another year than the one that is pushed, of the same meters
    with served(home) as (port, _):
        warm_up(port, plan, tokens)
        start = time.perf_counter()
        imported = subprocess.Popen(
            [PROGRAM, "import", str(path), "--json"], env=environment_of(home), stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        taken: list[float] = []

        def watch() -> None:
            imported.wait()
            taken.append(time.perf_counter() - start)

        watching = threading.Thread(target=watch)
        watching.start()
        sent = send(port, plan, tokens)
        assert imported.stdout
        report = json.loads(imported.stdout.read())
        watching.join()
        folded(home)
        assert report["added"] == estate_readings(estate), "the import lost readings"
        assert sent.added == plan.readings, "pushes were lost"
        wanted = plan.readings + report["added"] * meters // estate.meters
        assert held(home, chosen) == wanted, "readings were lost or doubled"
    yield Figure(
        f"pushed beside an import of {report['added']:,} readings",
        plan.readings / sent.seconds,
        "readings/s",
        note="none lost in either",
    )
    yield Figure("… that import, start included", taken[0], "s")


def estate_readings(estate: Estate) -> int:
    """How many values the imported file holds."""
    return int(slot_counts(np.array(estate.year(1)), LONDON, 30).sum()) * estate.meters
