"""The machine that the figures were measured on, and the processes it ran."""

from __future__ import annotations

import itertools
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

_SAMPLED_S = 0.02
_LOOKED_FOR_EVERY = 5  # samples: new children
PROGRAM = Path(sys.executable).parent / "eclectyc"


def description() -> dict[str, object]:
    """Return what a reader needs to judge the figures by."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "processor": _processor(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("polars", "deltalake", "numpy", "django", "eclectyc-energy")},
        "load_before": os.getloadavg()[0],
    }


def is_busy() -> bool:
    """Say whether other work is using a good part of the processor."""
    return os.getloadavg()[0] > 0.5 * (os.cpu_count() or 1)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


@dataclass(frozen=True, slots=True)
class Run:
    """One process from its start to its end; ``cpu_s`` and ``peak_bytes`` (resident) are its whole tree's."""

    seconds: float
    cpu_s: float
    peak_bytes: int
    exit_code: int
    stdout: str
    stderr: str


def run(home: Path, *arguments: str | Path) -> Run:
    """Run ``eclectyc`` over a home and measure it."""
    # To files: a pipe that nobody reads until the end would hold the process up.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        process = subprocess.Popen(
            [PROGRAM, *map(str, arguments)], env=environment_of(home), stdout=output, stderr=errors, text=True
        )
        watch = _Watch(process.pid)
        process.wait()
        seconds = time.perf_counter() - start
        peak = watch.peak_bytes()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        output.seek(0)
        errors.seek(0)
        return Run(seconds, cpu_s, peak, process.returncode, output.read(), errors.read())


def environment_of(home: Path) -> dict[str, str]:
    """Return this process's environment with nothing of another installation in it."""
    ours = ("ECLECTYC_", "DATABASE_URL", "SECRET_KEY")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
        "ECLECTYC_HOME": str(home)
    }


def must(home: Path, *arguments: str | Path) -> Run:
    """Run ``eclectyc`` and insist that it succeeds."""
    done = run(home, *arguments)
    if done.exit_code != 0:
        called = " ".join(map(str, arguments))
        raise SystemExit(
            f"eclectyc {called} ended with {done.exit_code}:\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
        )
    return done


class _Watch:
    """Samples the resident memory of a process and its children, seldom enough to take no processor from it."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def peak_bytes(self) -> int:
        """Stop, and return the highest sum."""
        self._ended.set()
        self._thread.join()
        return self._peak

    def _sample(self) -> None:
        children: list[psutil.Process] = []
        for turn in itertools.count():
            if self._ended.wait(_SAMPLED_S):
                return
            with suppress(psutil.NoSuchProcess):
                if turn % _LOOKED_FOR_EVERY == 0:  # which looks at every process of the machine
                    children = self._root.children(recursive=True)
                self._peak = max(self._peak, sum(map(_resident, (self._root, *children))))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
