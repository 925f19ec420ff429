"""Keeping the audit: sealed in the background, verified with its key, reads noted without the writer's lock."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eclectyc.audit import keys, read_log_queue, sealing
from eclectyc.audit.actor import AuditActor
from eclectyc.audit.models import Event, Personal, Seal
from eclectyc.audit.record import record
from eclectyc.cli import main

pytestmark = pytest.mark.django_db
BY = AuditActor(user_id=7, label="ann@harbour.example", origin="192.0.2.7")


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict]:
    code = main(["audit", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_key_is_made_with_the_first_sealing_and_is_the_owners_alone(home: Path):
    record(BY, "meter.moved")
    assert sealing.seal_now() == 1
    assert stat.S_IMODE((home / "audit.key").stat().st_mode) == 0o600
    assert sealing.verify().is_sound


def test_an_empty_audit_is_sound(home: Path):
    assert sealing.verify().is_sound


def test_verify_finds_no_problem_and_exits_with_0(home: Path, capsys: pytest.CaptureFixture[str]):
    record(BY, "meter.moved")
    code, answer = told(capsys, "verify")
    assert code == 0
    assert answer == {"is_sound": True, "sealed": 1, "unsealed": 0, "problems": []}


def test_a_missing_key_is_reported_and_no_new_one_is_created(home: Path, capsys: pytest.CaptureFixture[str]):
    record(BY, "meter.moved")
    sealing.seal_now()
    (home / "audit.key").unlink()
    record(BY, "meter.moved")
    code, answer = told(capsys, "verify")
    assert code == 1
    assert "audit.key is missing" in answer["problems"][0]
    assert not (home / "audit.key").exists()
    with pytest.raises(keys.KeyMissing):
        sealing.seal_now()


def test_another_installations_key_is_reported_and_never_continues_a_chain(
    home: Path, capsys: pytest.CaptureFixture[str]
):
    record(BY, "meter.moved")
    sealing.seal_now()
    (home / "audit.key").write_text("of somewhere else")
    record(BY, "meter.moved")
    with pytest.raises(keys.WrongKey):
        sealing.seal_now()
    assert Seal.objects.count() == 1
    code, answer = told(capsys, "verify")
    assert code == 1
    assert any("key has changed" in problem for problem in answer["problems"])


def test_after_a_lost_key_all_is_sealed_again_and_that_is_an_event(home: Path, capsys: pytest.CaptureFixture[str]):
    record(BY, "meter.moved")
    sealing.seal_now()
    (home / "audit.key").unlink()
    assert main(["audit", "anew"]) == 2
    assert main(["audit", "anew", "--really"]) == 0
    capsys.readouterr()
    assert told(capsys, "verify")[0] == 0
    assert Event.objects.filter(action="audit.sealed_anew", before={"events": 1}).exists()


def test_a_read_is_noted_without_a_query_and_taken_in_later(home: Path, django_assert_num_queries):
    with django_assert_num_queries(0):
        read_log_queue.record_read(BY, "people.listed", organisation_id=3, after={"people": [1, 2]})
    assert not Event.objects.exists()
    assert read_log_queue.store_waiting() == 1
    event = Event.objects.get()
    assert (event.action, event.organisation_id, event.after) == ("people.listed", 3, {"people": [1, 2]})
    assert Personal.objects.get().origin == "192.0.2.7"
    assert read_log_queue.store_waiting() == 0
    assert not list((home / "audit-waiting").iterdir())


def test_a_note_on_its_way_holds_no_address_of_mail(home: Path):
    read_log_queue.record_read(BY, "people.listed")
    (file,) = (home / "audit-waiting").iterdir()
    assert "ann@" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    read_log_queue.store_waiting()


def test_the_notes_of_a_killed_process_are_found_by_the_next(home: Path):
    code = (
        "import django, os, signal; django.setup()\n"
        "from eclectyc.audit.read_log_queue import record_read; from eclectyc.audit.actor import AuditActor\n"
        "record_read(AuditActor(7, '', ''), 'people.listed'); print('noted', flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = os.environ | {"ECLECTYC_HOME": str(home), "DJANGO_SETTINGS_MODULE": "eclectyc.settings"}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "noted" in ended.stdout
    assert read_log_queue.store_waiting() == 1
    assert Event.objects.get().action == "people.listed"


def test_the_notes_of_a_living_process_are_left_to_it(home: Path):
    code = (
        "import django, sys; django.setup()\n"
        "from eclectyc.audit.read_log_queue import record_read; from eclectyc.audit.actor import AuditActor\n"
        "record_read(AuditActor(7, '', ''), 'people.listed'); print('noted', flush=True); sys.stdin.read()"
    )
    environment = os.environ | {"ECLECTYC_HOME": str(home), "DJANGO_SETTINGS_MODULE": "eclectyc.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "noted\n"
        assert read_log_queue.store_waiting() == 0
        assert len(list((home / "audit-waiting").iterdir())) == 1
        other.communicate("")
    assert read_log_queue.store_waiting() == 1


def test_sealing_again_looks_only_at_what_is_new(home: Path, django_assert_max_num_queries):
    record(BY, "meter.moved")
    keeper = sealing.SealingThread()
    assert keeper.seal() == 1
    with django_assert_max_num_queries(2):
        assert keeper.seal() == 0
    record(BY, "meter.moved")
    assert keeper.seal() == 1


@pytest.mark.django_db(transaction=True)
def test_the_thread_takes_in_and_seals_by_itself(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sealing, "STORE_S", 0.05)
    monkeypatch.setattr(sealing, "SEAL_S", 0.05)
    keeper = sealing.SealingThread()
    keeper.start()
    try:
        read_log_queue.record_read(BY, "people.listed")
        record(BY, "meter.moved")
        until = time.monotonic() + 10
        while Seal.objects.count() < 2 and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        keeper.stop()
    assert Seal.objects.count() == 2


def test_a_command_seals_what_it_did(home: Path, world):
    assert main(["user", "add", "new@harbour.example", "--organisation", world.org.name]) == 0
    assert Event.objects.filter(action="person.added").exists()
    assert not Event.objects.filter(seal=None).exists()
