"""Running commands in this process, over the test's own registry and home."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from eclectyc.cli import main


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run a command through the same door as the script does."""

    def _run(*words: object) -> Answer:
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return _run
