"""``python -m tests.readers.mutants [-n COUNT] [-j JOBS] [--seed SEED] [--keep FOLDER] [NAME …]``: damaged files,
many of each format.

Each format has a process of its own, which may take 1 GiB and no more. Files that came out wrong are kept: put one into
``tests/data/mutants`` and it is tried in every run of the tests.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MOST_BYTES = 1 << 30
MOST_KEPT = 20  # of one format


def main(arguments: Sequence[str]) -> int:
    from tests.readers.mutants.subjects import subjects

    options = _options(arguments)
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    if options.one:
        return one(options.one, options.number, seed, Path(options.keep))
    unknown = set(options.names) - set(subjects())
    if unknown:
        print(f"There is no {', '.join(unknown)}. There are: {', '.join(subjects())}.", file=sys.stderr)
        return 2
    print(f"{options.number} of each, seed {seed}", flush=True)
    names = options.names or list(subjects())
    with ThreadPoolExecutor(options.jobs) as pool:
        went = pool.map(lambda name: _apart(name, options, seed), names)
        bad = [name for name, is_bad in zip(names, went, strict=True) if is_bad]
    print(f"Wrong: {', '.join(bad)}. See {options.keep}." if bad else "All as it should be.")
    return 1 if bad else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.readers.mutants", description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("-n", "--number", type=int, default=2000)
    parser.add_argument("-j", "--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--keep", default=".fuzz")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _apart(name: str, options: argparse.Namespace, seed: int) -> bool:
    """Try one format in a process of its own; say whether anything was wrong."""
    command = [sys.executable, "-m", "tests.readers.mutants", "--one", name, "-n", str(options.number)]
    with tempfile.TemporaryDirectory(prefix="eclectyc-fuzz-") as home:
        environment = os.environ | {
            "ECLECTYC_HOME": home, "DJANGO_SETTINGS_MODULE": "eclectyc.settings", "POLARS_MAX_THREADS": "2",
        }  # fmt: skip
        ended = subprocess.run([*command, "--seed", str(seed), "--keep", options.keep], env=environment)
    if ended.returncode < 0:
        print(f"{name}: ended by signal {-ended.returncode}; the file it had is {_current(Path(options.keep), name)}")
    return ended.returncode != 0


def _current(folder: Path, name: str) -> Path:
    return folder / f"{name.replace(' ', '-')}-at-work"


def one(name: str, number: int, seed: int, keep: Path) -> int:
    """Try many mutants of one format, within 1 GiB."""
    from eclectyc.cli.session import chosen_organisation, ready

    ready()
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    from tests.factories import make_site
    from tests.readers.mutants.bench import Bench
    from tests.readers.mutants.hostile import peak_mib
    from tests.readers.mutants.subjects import subjects

    warnings.simplefilter("error")
    organisation = chosen_organisation(None)
    make_site(organisation, "Dock Office")
    keep.mkdir(exist_ok=True)
    went: Counter[str] = Counter()
    wrong: list[str] = []
    subject = subjects()[name]
    current = _current(keep, name)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(subject, organisation, Path(folder))
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))

        @seeded(seed)
        @settings(
            max_examples=number,
            phases=[Phase.generate],
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(subject.mutants)
        def each(mutant) -> None:  # type: ignore[no-untyped-def]
            current.write_bytes(mutant.content)
            try:
                seen, found = bench.tries(mutant)
            except Exception:
                found = ["".join(traceback.format_exc().splitlines(keepends=True)[-8:])]
                went["failed"] += 1
            else:
                went[seen.how if seen.how != "vague" else f"vague ({seen.why})"] += 1
            if found and len(wrong) < MOST_KEPT:
                path = keep / f"{name.replace(' ', '-')}-{len(wrong)}{Path(subject.golden.name).suffix}"
                path.write_bytes(mutant.content)
                wrong.append(f"{path}: " + "\n    ".join(found))

        began = time.monotonic()
        each()
    current.unlink(missing_ok=True)
    took = time.monotonic() - began
    print(f"{name}: {dict(went)}, {took:.0f} s, at most {peak_mib()} MiB", flush=True)
    for text in wrong:
        print(f"  {text}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
