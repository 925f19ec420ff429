"""``eclectyc worker``, and the worker process of ``eclectyc serve``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Annotated, Final

import typer

from eclectyc.cli.session import ready, say

THREADS: Final = min(4, max(2, os.cpu_count() or 1))
BESIDE_GRACE_S: Final = 10
LONGEST_PAUSE_S: Final = 30.0  # before a worker that keeps failing is restarted
STEADY_S: Final = 60.0  # one that has run so long is restarted at once


def worker(
    threads: Annotated[int, typer.Option(min=1, max=64, help="Jobs run at a time.")] = THREADS,
    grace: Annotated[float, typer.Option(min=0, help="Time for running jobs to finish at a stop [s].")] = 30,
    lease: Annotated[float, typer.Option(min=1, help="After this silence others reclaim its jobs [s].")] = 30,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="Run due jobs, then end.")] = False,
    parent: Annotated[int, typer.Option(hidden=True)] = 0,
) -> None:
    """Run background jobs until stopped; any number of workers share the work. Control-C lets running jobs finish."""
    ready()
    from eclectyc.audit.sealing import start_sealing
    from eclectyc.jobs.worker import JobWorker
    from eclectyc.operations.startup import settle_what_was_left

    settle_what_was_left(say)
    start_sealing()  # seals the audit events of jobs
    one = JobWorker(threads=threads, lease_s=lease)
    _listen_to_signals(one.end, is_child=bool(parent))
    if not parent and not until_empty:
        say(f"The worker runs; jobs at a time: {threads}. Control-C stops it.")
    one.run(until_empty=until_empty, is_orphan=lambda: bool(parent) and os.getppid() != parent)
    if not one.drain(grace):
        sys.stderr.flush()
        os._exit(0)  # a handler's thread does not stop; its job was handed back, and it can no longer write


def _listen_to_signals(end: Callable[[], None], *, is_child: bool) -> None:
    """The first signal lets jobs finish, the second hands them back. A parent process handles Control-C itself."""
    signal.signal(signal.SIGTERM, lambda *_: end())
    signal.signal(signal.SIGINT, signal.SIG_IGN if is_child else lambda *_: end())


class Beside:
    """A worker in a separate process, restarted if it ends."""

    def __init__(self, command: list[str] | None = None) -> None:
        own = [sys.executable, "-m", "eclectyc", "worker", "--grace", str(BESIDE_GRACE_S), "--parent", str(os.getpid())]
        self._command = command or own
        self._is_over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="worker-beside", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let the worker's jobs finish for some time, then end it."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _keep(self) -> None:
        pause = 1.0
        while not self._is_over.is_set():
            began = time.monotonic()
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            while self._process.poll() is None and not self._is_over.wait(0.2):
                pass
            if self._is_over.is_set():
                break
            pause = 1.0 if time.monotonic() - began > STEADY_S else min(LONGEST_PAUSE_S, pause * 2)
            say(f"The worker ended ({self._process.returncode}); restarting in {pause:.0f} s.")
            self._is_over.wait(pause)
        self._end()

    def _end(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(BESIDE_GRACE_S + 10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
