"""The queue of background jobs: a thousand of them drained by three workers, each run exactly once.

Runs in a process of its own for each database, ``python -m tests.bench.queue``, because the settings belong to one. The
workers are real processes of ``eclectyc worker`` that are there, and idle, before the jobs are put in.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import psutil

from tests import needs
from tests.bench.figures import Figure
from tests.bench.machine import environment_of
from tests.cluster import Cluster

WORKERS = 3
IDLE_S = 10.0


def figures(home: Path, *, quick: bool) -> Iterator[Figure]:
    """Measure on SQLite, and on PostgreSQL where it is found."""
    home.mkdir(parents=True, exist_ok=True)
    yield from _in_a_process("SQLite", environment_of(home), quick=quick)
    if not needs.found("postgresql"):
        print(f"  {needs.REMEDIES['postgresql']}: SQLite alone was measured.", file=sys.stderr)
        return
    cluster = Cluster.planned()
    try:
        cluster.start()
        yield from _in_a_process(
            "PostgreSQL", environment_of(home) | {"DATABASE_URL": cluster.new_database()}, quick=quick
        )
    finally:
        cluster.stop()


def _in_a_process(database: str, environment: dict[str, str], *, quick: bool) -> list[Figure]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.queue", database, *(["--quick"] if quick else [])],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"the queue on {database} failed:\n{done.stdout[-1000:]}\n{done.stderr[-4000:]}")
    return [Figure(**found) for found in json.loads(done.stdout)]


@contextmanager
def crew() -> Iterator[list[psutil.Process]]:
    """Three workers, idle."""
    from eclectyc.jobs.models import Worker

    nursery = subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.worker_processes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdout.readline()
    workers = []
    for _ in range(WORKERS):
        nursery.stdin.write('["--threads", "2"]\n')
        nursery.stdin.flush()
        workers.append(psutil.Process(int(nursery.stdout.readline())))
    try:
        while Worker.objects.count() < WORKERS:
            time.sleep(0.05)
        time.sleep(1)
        yield workers
    finally:
        for worker in workers:
            worker.terminate()
        psutil.wait_procs(workers, timeout=20)
        nursery.stdin.close()
        nursery.wait()


def drained(count: int) -> tuple[float, float, int]:
    """Put jobs in and wait for their end; return [s] of both, and how many were not run exactly once."""
    from django.db import transaction

    from eclectyc.jobs.models import Job, Run
    from eclectyc.jobs.service import enqueue
    from tests.jobs.handlers import effects

    began = time.perf_counter()
    with transaction.atomic():
        jobs = [enqueue("test.count", {"steps": 1}) for _ in range(count)]
    put = time.perf_counter()
    while Job.objects.filter(kind="test.count", state__in=Job.OPEN).exists():
        time.sleep(0.02)
    ended = time.perf_counter()
    wrong = sum(Run.objects.filter(job=job).count() != 1 or effects(job) != ["effect 0"] for job in jobs)
    return put - began, ended - put, wrong


def measured(database: str, *, count: int) -> Iterator[Figure]:
    """What idle workers take, how fast a queue drains, and that nothing ran twice or never."""
    with crew() as workers:
        before = sum(sum(worker.cpu_times()[:2]) for worker in workers)
        time.sleep(IDLE_S)
        idle_s = sum(sum(worker.cpu_times()[:2]) for worker in workers) - before
        put_s, drain_s, wrong = drained(count)
    yield Figure(f"an idle worker, {database}", 100 * idle_s / WORKERS / IDLE_S, "%", note="of one core")
    yield Figure(f"jobs put in, {database}", count / put_s, "jobs/s", note=f"{count:,} in one transaction")
    yield Figure(f"jobs run by {WORKERS} workers, {database}", count / drain_s, "jobs/s", note="each one effect")
    yield Figure(f"jobs not run exactly once, {database}", wrong, "", None, "", 0, note=f"of {count:,}")


def main() -> None:
    """Measure on the registry that the environment names and print the figures as JSON."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eclectyc.settings")
    import django

    django.setup()
    from django.core.management import call_command

    from eclectyc.jobs.models import Job
    from tests.jobs import handlers

    assert handlers.KINDS
    call_command("migrate", interactive=False, verbosity=0)
    Job.objects.filter(kind="test.count").delete()
    found = measured(sys.argv[1], count=100 if "--quick" in sys.argv else 1000)
    print(json.dumps([asdict(figure) for figure in found]))


if __name__ == "__main__":
    main()
