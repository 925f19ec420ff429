"""Errors say what to do next; failpoints end the process like a power cut; quality codes have names."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from eclectyc.kernel import quality
from eclectyc.kernel.errors import Busy, EclectycError, Forbidden, Invalid, NotFound

REACH = "from eclectyc.kernel.failpoints import failpoint; failpoint('lake.commit'); print('reached')"


def test_an_error_reads_as_reason_and_remedy() -> None:
    error = Invalid("There is no day 31/02.", "Correct the date.", field="date")
    assert str(error) == "There is no day 31/02. Correct the date."
    assert (error.reason, error.remedy, error.field) == ("There is no day 31/02.", "Correct the date.", "date")


def test_an_error_without_a_remedy_ends_with_its_reason() -> None:
    assert str(NotFound("No such meter.")) == "No such meter."


def test_every_kind_of_error_has_a_code_of_its_own() -> None:
    kinds = (EclectycError, Forbidden, NotFound, Invalid, Busy)
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_every_stored_quality_has_a_name() -> None:
    stored = {quality.MISSING, quality.ACTUAL, quality.ESTIMATED, quality.SUBSTITUTED, quality.DERIVED}
    assert set(quality.NAMES) == stored == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("armed", "code", "printed"),
    [("lake.commit", -signal.SIGKILL, ""), ("elsewhere", 0, "reached\n"), ("", 0, "reached\n")],
)
def test_only_the_armed_failpoint_ends_the_process(armed: str, code: int, printed: str) -> None:
    environment = os.environ | {"ECLECTYC_FAILPOINT": armed}
    done = subprocess.run([sys.executable, "-c", REACH], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, printed)
