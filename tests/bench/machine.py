"""The machine that the figures were measured on, and the processes it ran."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

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
        peak = _watched(process)
        seconds = time.perf_counter() - start
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


def _watched(process: subprocess.Popen[str], every_s: float = 0.01) -> int:
    """Wait for a process's end and return the highest sum of its tree's resident memory [bytes]."""
    root, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        try:
            tree = [root, *root.children(recursive=True)]
            peak = max(peak, sum(_resident(member) for member in tree))
        except psutil.NoSuchProcess:
            break
        time.sleep(every_s)
    process.wait()
    return peak


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
