"""The worker in its own process: beside the web, started again when it dies, gone when that goes; and on its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from eclectyc.cli.worker import Beside
from eclectyc.jobs import models
from eclectyc.jobs import worker as room
from eclectyc.jobs.models import Job
from eclectyc.jobs.service import enqueue
from eclectyc.jobs.worker import JobWorker
from tests.jobs.conftest import Crew, has_ended, until
from tests.serving import Installation, free_port


def workers_below(pid: int) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            if "worker" in child.cmdline():
                found.append(child)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


def known_workers(installation: Installation) -> list[str]:
    checks = installation.json("health", "--quick")["checks"]
    workers: list[str] = next(check for check in checks if check["name"] == "jobs")["detail"]["workers"]
    return workers


def test_serve_keeps_a_worker_beside_the_web_and_neither_outlives_the_other(installation: Installation):
    server = installation.start("serve", "--port", str(free_port()))
    until(lambda: workers_below(server.pid), "the worker")
    (first,) = workers_below(server.pid)
    until(lambda: known_workers(installation) == ["worker"], "its sign of life")
    first.send_signal(signal.SIGKILL)
    until(lambda: [one for one in workers_below(server.pid) if one.pid != first.pid], "another worker")
    (second,) = workers_below(server.pid)
    server.send_signal(signal.SIGINT)
    _, said = server.communicate(timeout=30)
    assert server.returncode == 0
    assert has_ended(second.pid)
    assert "The worker ended (-9); restarting in 2 s." in said


def test_a_worker_whose_parent_is_gone_ends(crew: Crew):
    orphan = crew.start("--parent", 1 if os.getppid() != 1 else 2)
    until(lambda: has_ended(orphan), "its end")


def test_what_keeps_dying_is_started_again_less_and_less_often_and_stopped_for_good(tmp_path: Path, capsys):
    log = tmp_path / "log"
    beside = Beside([sys.executable, "-c", f"open({str(log)!r}, 'a').write('x')"])
    beside.start()
    until(lambda: log.exists() and len(log.read_text()) == 2, "its second start")
    beside.stop()
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "The worker ended (0); restarting in 2 s."
    assert set(said[1:]) <= {"The worker ended (0); restarting in 4 s."}
    time.sleep(0.3)
    assert log.read_text() == "xx"


def test_a_worker_that_does_not_listen_is_ended_all_the_same(monkeypatch):
    monkeypatch.setattr("eclectyc.cli.worker.BESIDE_GRACE_S", -9.5)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    beside = Beside([sys.executable, "-c", deaf])
    beside.start()
    until(lambda: beside._process is not None, "its start")
    time.sleep(0.3)
    beside.stop()
    assert isinstance(beside._process, subprocess.Popen)
    assert beside._process.returncode in (-9, -15)


@pytest.mark.django_db(transaction=True)
def test_work_that_is_asked_for_in_the_worker_s_own_process_begins_at_once(monkeypatch):
    monkeypatch.setattr(room, "LOOK_S", 300.0)
    one = JobWorker(threads=1)
    thread = threading.Thread(target=one.run, daemon=True)
    thread.start()
    until(models.Worker.objects.exists, "the worker")
    job = enqueue("test.count", {"steps": 1})
    until(lambda: Job.objects.get(pk=job.pk).state == Job.DONE, "the job", 30)
    one.end()
    thread.join(10)
    assert one.drain(1)
    assert not thread.is_alive()
