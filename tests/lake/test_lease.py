"""One writer at a time; a turn that was not given back passes on; each turn has a higher fence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from eclectyc.kernel.errors import Busy
from eclectyc.kernel.process_identity import has_ended, holder_name
from eclectyc.lake.errors import WriterLeaseLost
from eclectyc.lake.lease import claim_lease, writer_lease
from eclectyc.lake.models import WriterLease

pytestmark = pytest.mark.django_db(transaction=True)

PRINTS_ITS_NAME = (
    "from eclectyc.kernel.process_identity import holder_name; import time; "
    "print(holder_name('x'), flush=True); time.sleep(60)"
)


def started(pid: int) -> str:
    """When a process started, as the kernel tells it: the 22nd field of its line (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def expire() -> None:
    WriterLease.objects.update(expires_at=timezone.now() - timedelta(minutes=1))


def test_each_turn_has_a_higher_fence() -> None:
    fences = []
    for _ in range(3):
        with writer_lease("test") as lease:
            fences.append(lease.fence)
    assert fences == sorted(set(fences))


def test_a_writer_that_waits_too_long_learns_who_is_writing() -> None:
    with writer_lease("import of june.csv"):
        start = time.monotonic()
        with pytest.raises(Busy, match=r"import-of-june\.csv"), writer_lease("other", wait_s=0.2):
            pass
        assert 0.2 <= time.monotonic() - start < 2
    with writer_lease("other", wait_s=0):
        pass


def test_a_turn_that_ran_out_passes_on_and_the_old_holder_knows() -> None:
    old = claim_lease("elsewhere 1 2 3 4")
    assert old is not None
    assert claim_lease("second") is None
    expire()
    new = claim_lease("second")
    assert new is not None
    assert new.fence == old.fence + 1
    assert not old.is_held()
    with pytest.raises(WriterLeaseLost):
        old.renew()
    old.release()  # gives nothing back that is another's
    assert new.is_held()


def test_a_killed_process_of_this_machine_keeps_no_writer_waiting() -> None:
    process = subprocess.Popen([sys.executable, "-c", PRINTS_ITS_NAME], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    killed = claim_lease(name)
    assert killed is not None
    assert not has_ended(name)
    assert claim_lease(holder_name("next")) is None
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    following = claim_lease(holder_name("next"))
    assert following is not None
    assert following.fence > killed.fence


def test_a_process_that_ends_while_one_looks_has_ended() -> None:
    for _ in range(40):  # the moment between finding its entry and reading it is met every few times
        process = subprocess.Popen(["sleep", "60"])
        name = holder_name("x").split(" ")
        name[2:4] = [str(process.pid), started(process.pid)]
        killer = threading.Thread(target=lambda ends: (ends.kill(), ends.wait()), args=(process,))
        killer.start()
        deadline = time.monotonic() + 30
        while not has_ended(" ".join(name)):
            assert time.monotonic() < deadline
        killer.join()


def test_of_another_machine_nothing_is_assumed() -> None:
    assert not has_ended("import 0123456789ab 1 1 1")
    assert not has_ended("")


def test_a_long_write_keeps_its_turn() -> None:
    with writer_lease("long", lease_s=3) as lease:
        expires = WriterLease.objects.get().expires_at
        deadline = time.monotonic() + 30
        while WriterLease.objects.get().expires_at == expires:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert claim_lease("other") is None
        assert lease.is_held()


def test_the_turn_ends_also_when_the_write_fails() -> None:
    with pytest.raises(RuntimeError), writer_lease("failing"):
        raise RuntimeError
    assert claim_lease("next") is not None


def test_a_registry_older_than_its_lake_catches_up_with_the_fence() -> None:
    with writer_lease("test") as lease:
        lease.lift_above(lease.fence + 41)
        lifted = lease.fence
        lease.lift_above(lifted)
        assert lease.fence == lifted
        assert lease.is_held()
    with writer_lease("next") as following:
        assert following.fence == lifted + 1


def test_many_writers_take_their_turns_one_by_one() -> None:
    inside, most, fences = [0], [0], []

    def work() -> None:
        try:
            for _ in range(3):
                with writer_lease("writer", wait_s=60) as lease:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    fences.append(lease.fence)
                    time.sleep(0.005)
                    inside[0] -= 1
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert len(fences) == 18
    assert fences == sorted(set(fences))
