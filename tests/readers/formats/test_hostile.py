"""The worst files, in a process that may take 1 GiB: each is refused in words, soon, and nothing is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.readers.mutants.hostile import WORST, write

MOST_S = 60  # for one file, on a machine that has other things to do


def test_the_worst_files_are_refused_in_words_within_one_gibibyte(tmp_path: Path) -> None:
    files, home, scratch = tmp_path / "files", tmp_path / "home", tmp_path / "scratch"
    for folder in (files, home, scratch):
        folder.mkdir()
    write(files)
    environment = os.environ | {"ECLECTYC_HOME": str(home), "POLARS_MAX_THREADS": "2", "TMPDIR": str(scratch)}
    environment.pop("DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-m", "tests.readers.mutants.hostile", str(files)],
        env=environment, capture_output=True, text=True, timeout=MOST_S * len(WORST),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    *told, last = [json.loads(line) for line in done.stdout.splitlines()]
    said = {one["name"]: one["said"] for one in told}
    assert {name: words for name, (_, words) in WORST.items() if words not in said.get(name, "nothing")} == {}, said
    assert [one for one in told if not one["remedy"] or one["took_s"] > MOST_S] == []
    assert last["peak_mib"] < 1024
    assert list(scratch.iterdir()) == []
    assert not Path("/tmp/eclectyc-was-here.xml").exists()
