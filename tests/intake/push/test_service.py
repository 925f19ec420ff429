"""A push from its document to the day rows: what the answer says, what is held after folding, and whose it is."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.audit.models import Event
from eclectyc.batches.lifecycle import begin, recover, writers_turn
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Meter, Series
from eclectyc.intake.push import inbox
from eclectyc.intake.push.drain import DrainResult, drain_inbox
from eclectyc.intake.push.health import pushes
from eclectyc.intake.push.message import Message
from eclectyc.intake.push.models import Push
from eclectyc.intake.undo import undo_batch
from eclectyc.jobs.models import Job
from eclectyc.jobs.worker import run_waiting
from eclectyc.kernel.errors import Forbidden, Invalid
from eclectyc.kernel.quality import ACTUAL, ESTIMATED
from eclectyc.lake.store import connect
from tests.factories import World, make_meter, make_site, make_user
from tests.intake.import_calls import bring, held, starts_of, truth_of
from tests.intake.push.pushing import at, counts, push, reading, readings_of

pytestmark = pytest.mark.django_db
DAYS = [date(2025, 3, 29), date(2025, 3, 30), date(2025, 10, 26), date(2025, 10, 27)]
TEN = at("2025-06-01 10:00")
HALF_HOUR = timedelta(minutes=30)


def batches() -> list[Batch]:
    return list(Batch.objects.order_by("pk"))


# --- in, and in again -----------------------------------------------------------------------------------------------


def test_what_is_pushed_is_held_slot_by_slot_on_both_clock_change_days(world: World) -> None:
    truth = truth_of(starts_of(DAYS, "Europe/London"))
    answer = push(world, readings_of(truth, estimated=False))
    assert counts(answer) == (192, 0, 0, 0, 0)
    assert (answer.meter, answer.quantity, answer.unit, answer.step) == (world.meter.identifier, "import", "kWh", 30)
    assert held(world.meter) == {}, "readings lag until they are folded"
    assert drain_inbox() == DrainResult(batches=1, pushes=1, readings=192)
    assert held(world.meter) == {start: (value, ACTUAL) for start, value in truth.items()}


@pytest.mark.parametrize("is_folded_between", [True, False])
def test_a_push_sent_again_changes_nothing_and_a_corrected_one_what_it_corrects(
    world: World, is_folded_between: bool
) -> None:
    truth = truth_of(starts_of(DAYS[:1], "Europe/London"))
    more = truth | {TEN: 99.0}
    corrected = more | {TEN: 98.0}
    for sent, said in [
        (truth, (48, 0, 0, 0, 0)),
        (truth, (0, 0, 48, 0, 0)),
        (more, (1, 0, 48, 0, 0)),
        (corrected, (0, 1, 48, 0, 0)),
        (more, (0, 1, 48, 0, 0)),
        (corrected, (0, 1, 48, 0, 0)),
    ]:
        assert counts(push(world, readings_of(sent))) == said
        if is_folded_between:
            drain_inbox()
    drain_inbox()
    assert {start: value for start, (value, _) in held(world.meter).items()} == corrected
    assert Push.objects.count() == 0


@pytest.mark.parametrize("is_folded_between", [True, False])
def test_estimates_never_replace_actual_readings(world: World, is_folded_between: bool) -> None:
    steps: list[tuple[float, Any, tuple[int, int, int, int, int], tuple[float, int]]] = [
        (1, True, (1, 0, 0, 0, 0), (1, ESTIMATED)),
        (2, True, (0, 1, 0, 0, 0), (2, ESTIMATED)),
        (2, None, (0, 0, 1, 0, 0), (2, ESTIMATED)),  # an equal value without a flag does not upgrade it
        (2, False, (0, 1, 0, 0, 0), (2, ACTUAL)),
        (5, True, (0, 0, 0, 1, 0), (2, ACTUAL)),
        (2, None, (0, 0, 1, 0, 0), (2, ACTUAL)),
        (7, None, (0, 1, 0, 0, 0), (7, ACTUAL)),
    ]
    for value, flag, said, then in steps:
        assert counts(push(world, [reading(TEN, value, estimated=flag)])) == said
        if is_folded_between:
            drain_inbox()
            assert held(world.meter) == {TEN: then}
    drain_inbox()
    assert held(world.meter) == {TEN: steps[-1][3]}


def test_a_push_is_compared_with_what_a_file_brought(world: World, tmp_path: Any) -> None:
    bring(world, tmp_path / "a.csv", f"MPAN,Start,kWh\n{world.meter.identifier},2025-06-01 10:00Z,1.5\n")
    sent = [reading(TEN, 1.5), reading(TEN + HALF_HOUR, 2.5)]
    assert counts(push(world, sent)) == (1, 0, 1, 0, 0)
    assert Series.objects.filter(meter=world.meter).count() == 1


def test_many_pushes_are_one_batch_and_one_commit_of_the_lake(world: World) -> None:
    meters = [make_meter(world.site) for _ in range(3)]
    before = connect().version
    for n in range(4):
        for meter in meters:
            push(world, [reading(TEN + n * HALF_HOUR, n)], meter=meter)
    assert drain_inbox() == DrainResult(batches=1, pushes=12, readings=12)
    assert connect().version <= before + 2  # the table itself, where there was none, then one commit
    (batch,) = batches()
    assert (batch.state, batch.format, batch.rows, batch.accepted, batch.added) == (Batch.DONE, "push", 12, 12, 12)
    assert batch.user == world.admin
    assert (batch.report["pushes"], batch.report["kwh"]) == (12, 18.0)
    assert [(one["meter"], one["readings"], one["total"]) for one in batch.report["series"]] == [
        (meter.identifier, 4, 6.0) for meter in meters
    ]
    assert batch.report["series"][0]["first"] == "2025-06-01T11:00:00+01:00"
    assert batch.report["series"][0]["last"] == "2025-06-01T12:30:00+01:00"


# --- what cannot be taken -------------------------------------------------------------------------------------------


def test_rejected_readings_are_listed_by_index_and_the_others_are_stored(world: World) -> None:
    sent = [
        reading(TEN, 1),
        reading("2025-06-01T10:30:00", 2),
        reading("2025-06-01T10:40:00Z", 3),
        reading(TEN + HALF_HOUR, None),
        reading(TEN + 2 * HALF_HOUR, 4, end="2025-06-01T12:00:00Z"),
        reading(TEN + 3 * HALF_HOUR, 5),
        reading(TEN + 3 * HALF_HOUR, 5),
        reading(TEN + 4 * HALF_HOUR, 6),
        reading(TEN + 4 * HALF_HOUR, 7),
    ]
    answer = push(world, sent, step=30)
    assert counts(answer) == (2, 0, 1, 0, 6)
    assert [one.index for one in answer.rejected] == [1, 2, 3, 4, 7, 8]
    assert all(one.reason and one.remedy for one in answer.rejected)
    drain_inbox()
    assert {start: value for start, (value, _) in held(world.meter).items()} == {TEN: 1, TEN + 3 * HALF_HOUR: 5}


def test_a_push_of_which_nothing_can_be_taken_makes_nothing(world: World) -> None:
    answer = push(world, [reading("2025-06-01T10:30:00", 2)])
    assert (counts(answer), answer.is_usable) == ((0, 0, 0, 0, 1), False)
    assert counts(push(world, [])) == (0, 0, 0, 0, 0)
    assert (Series.objects.count(), Push.objects.count(), Job.objects.count()) == (0, 0, 0)
    assert (drain_inbox(), batches()) == (DrainResult(), [])


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], ""),
        ({"quantity": "import", "unit": "kWh"}, "readings"),
        ({"quantity": "import", "unit": "kWh", "readings": {}}, "readings"),
        ({"quantity": "import", "unit": "kWh", "readings": [{}] * 10_001}, "readings"),
        ({"unit": "kWh", "readings": []}, "quantity"),
        ({"quantity": "heat", "unit": "kWh", "readings": []}, "quantity"),
        ({"quantity": "import", "readings": []}, "unit"),
        ({"quantity": "import", "unit": 5, "readings": []}, "unit"),
        ({"quantity": "import", "unit": "kWh", "step": 7, "readings": []}, "step"),
        ({"quantity": "import", "unit": "kWh", "step": 30.0, "readings": []}, "step"),
        ({"quantity": "import", "unit": "kWh", "step": True, "readings": []}, "step"),
        ({"quantity": "import", "unit": "kWh", "reading": [], "readings": []}, "reading"),
    ],
)
def test_what_is_wrong_with_the_whole_refuses_the_whole(document: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        Message.from_document(document)
    assert refused.value.field == field


def test_an_unknown_unit_refuses_the_whole(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        push(world, [reading(TEN, 1)], unit="furlong")
    assert (refused.value.field, Push.objects.count()) == ("unit", 0)


# --- units, steps and series ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "unit", "step", "value", "stored", "total"),
    [
        ("kWh", "Wh", 30, 1500, "kWh", 1.5),
        ("kWh", "MWh", 30, 0.002, "kWh", 2.0),
        ("kWh", "kW", 30, 3, "kWh", 1.5),
        ("kWh", "kW", 15, 3, "kWh", 0.75),
        ("m3", "litres", 60, 250, "m3", 0.25),
        ("litre", "m3", 60, 0.25, "litre", 250.0),
        ("kWh", "degC", 60, 19.5, "degC", 19.5),
    ],
)
def test_units_become_the_meters_own(
    world: World, own: str, unit: str, step: int, value: float, stored: str, total: float
) -> None:
    meter = make_meter(world.site, unit=own)
    answer = push(world, [reading(TEN, value)], meter=meter, unit=unit, step=step)
    assert (answer.unit, answer.step) == (stored, step)
    drain_inbox()
    assert {start: value for start, (value, _) in held(meter).items()} == {TEN: total}


def test_the_step_is_the_pushs_own_else_that_of_its_ends_else_the_meters(world: World) -> None:
    meter = make_meter(world.site, step_minutes=15)
    hour = [reading(TEN, 1, end="2025-06-01T11:00:00Z")]
    assert push(world, [reading(TEN, 1)], meter=meter).step == 15
    assert push(world, hour, meter=meter).step == 60
    assert push(world, [reading(TEN, 1)], meter=meter, step=5).step == 5
    assert counts(push(world, hour, meter=meter, step=30)) == (0, 0, 0, 0, 1)
    steps = Series.objects.filter(meter=meter).order_by("step_minutes").values_list("step_minutes", "is_primary")
    assert list(steps) == [(5, True), (15, True), (60, True)]


def test_another_unit_is_stored_beside_with_a_warning(world: World) -> None:
    assert push(world, [reading(TEN, 1)]).warnings == []
    (warning,) = push(world, [reading(TEN, 1)], unit="m3").warnings
    assert "stored but not counted" in warning
    assert [one.unit for one in Series.objects.filter(meter=world.meter, is_primary=True)] == ["kWh"]


def test_a_series_made_by_a_push_is_in_the_audit_once(world: World) -> None:
    push(world, [reading(TEN, 1)])
    push(world, [reading(TEN, 2)])
    (event,) = Event.objects.filter(action="series.created")
    assert (event.organisation_id, event.after["meter"], event.after["unit"]) == (world.org.pk, world.meter.pk, "kWh")


# --- whose ----------------------------------------------------------------------------------------------------------


def test_who_may_not_send_readings_there_is_refused(world: World) -> None:
    for user in (world.viewer, world.manager, world.outsider):
        with pytest.raises(Forbidden):
            push(world, [reading(TEN, 1)], user=user)
    assert Push.objects.count() == 0


def test_each_organisation_and_each_person_has_batches_of_their_own_in_the_order_of_the_pushes(world: World) -> None:
    second = make_user("second@harbour.example", world.org, "admin")
    push(world, [reading(TEN, 1)])
    push(world, [reading(TEN, 2)], user=second)
    push(world, [reading(TEN, 3)])
    push(world, [reading(TEN, 4)], meter=world.other_meter, user=world.outsider)
    assert drain_inbox().batches == 4
    assert [(b.organisation, b.user, b.added, b.changed) for b in batches()] == [
        (world.org, world.admin, 1, 0),
        (world.org, second, 0, 1),
        (world.org, world.admin, 0, 1),
        (world.other_org, world.outsider, 1, 0),
    ]
    assert held(world.meter) == {TEN: (3, ACTUAL)}
    assert list(Batch.objects.visible_to(Actor.of(world.outsider))) == batches()[3:]
    done = Event.objects.filter(action="import.done").order_by("pk")
    assert len({event.actor for event in done}) == 3, "each batch is told of whoever pushed"


def test_what_waits_is_seen_by_its_own_organisation_alone(world: World) -> None:
    push(world, [reading(TEN, 1)])
    for user, seen in ((world.admin, 1), (world.viewer, 0), (world.outsider, 0)):
        assert Push.objects.visible_to(Actor.of(user)).count() == seen


# --- batches, undoing, faults ---------------------------------------------------------------------------------------


def test_a_batch_of_pushes_is_undone_like_a_file(world: World) -> None:
    push(world, [reading(TEN, 1), reading(TEN + HALF_HOUR, 5)])
    drain_inbox()
    push(world, [reading(TEN, 2), reading(TEN + HALF_HOUR, 5)])
    drain_inbox()
    first, second = batches()
    undo_batch(Actor.of(world.admin), batch=second.pk)
    assert held(world.meter) == {TEN: (1, ACTUAL), TEN + HALF_HOUR: (5, ACTUAL)}
    undo_batch(Actor.of(world.admin), batch=first.pk)
    assert held(world.meter) == {}
    assert counts(push(world, [reading(TEN, 2)])) == (1, 0, 0, 0, 0)


def test_a_push_that_found_its_values_there_is_a_witness_of_them(world: World, tmp_path: Any) -> None:
    bring(world, tmp_path / "a.csv", f"MPAN,Start,kWh\n{world.meter.identifier},2025-06-01 10:00Z,1.5\n")
    assert counts(push(world, [reading(TEN, 1.5)])) == (0, 0, 1, 0, 0)
    drain_inbox()
    undo_batch(Actor.of(world.admin), batch=batches()[0].pk)
    assert held(world.meter) == {TEN: (1.5, ACTUAL)}


def test_a_push_that_the_lake_refuses_holds_up_no_other(world: World) -> None:
    others = [make_meter(world.site) for _ in range(5)]
    for n, meter in enumerate(others[:3]):
        push(world, [reading(TEN, n)], meter=meter)
    push(world, [reading(TEN, 7)])
    damaged = Push.objects.order_by("-pk").first()
    assert damaged is not None
    Push.objects.filter(pk=damaged.pk).update(data=b"nothing that could be unpacked")
    for n, meter in enumerate(others[3:]):
        push(world, [reading(TEN, n)], meter=meter)
    folded = drain_inbox()
    assert (folded.pushes, folded.faulty) == (5, 1)
    assert all(held(meter) for meter in others)
    assert inbox.summary(damaged.received_at).faulty == 1
    assert drain_inbox() == DrainResult(), "it is not tried again and again"
    Push.objects.filter(pk=damaged.pk).update(fault="", data=damaged.data)
    assert drain_inbox().pushes == 1


def test_an_import_that_never_came_about_takes_no_series_away_that_a_push_waits_for(world: World) -> None:
    """A killed import had made the meter's series; a push came to it before anybody settled that import."""
    from eclectyc.batches.lifecycle import CreatedRecords

    series = Series.objects.create(meter=world.meter, unit="kWh", step_minutes=30)
    unused = Series.objects.create(meter=world.meter, unit="kWh", step_minutes=60)
    with writers_turn("a killed import") as lease:
        begin(
            Actor.of(world.admin), lease, organisation=world.org, created=CreatedRecords(series=[series.pk, unused.pk])
        )
    push(world, [reading(TEN, 1)])
    assert [batch.state for batch in recover()] == [Batch.FAILED]
    assert list(Series.objects.all()) == [series]
    drain_inbox()
    assert held(world.meter) == {TEN: (1, ACTUAL)}


# --- background work and health -------------------------------------------------------------------------------------


def test_a_push_asks_for_one_job_which_folds_all_that_waits(world: World) -> None:
    for n in range(3):
        push(world, [reading(TEN + n * HALF_HOUR, n)])
    assert Job.objects.filter(kind="intake.fold").count() == 1
    assert run_waiting() == 1
    (job,) = Job.objects.all()
    assert (job.state, job.result) == (Job.DONE, {"batches": 1, "pushes": 3, "readings": 3, "faulty": 0})
    assert len(held(world.meter)) == 3
    push(world, [reading(TEN, 9)])
    later = Job.objects.order_by("-pk").first()
    assert later is not None
    assert (later.pk == job.pk, later.state) == (False, Job.WAITING)
    assert job.started_at is not None
    assert later.run_at >= job.started_at + timedelta(seconds=5), "commits of the lake keep some distance"


def test_the_summary_shows_how_much_waits_and_for_how_long(world: World) -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=TEN.tzinfo)
    assert inbox.summary(now) == inbox.InboxSummary()
    push(world, readings_of(truth_of(starts_of(DAYS[:1], "Europe/London"))))
    push(world, [reading(TEN, 9)])
    Push.objects.update(received_at=now - timedelta(seconds=90))
    assert inbox.summary(now) == inbox.InboxSummary(pushes=2, readings=49, oldest_s=90.0)


def test_health_shows_what_waits_and_warns_if_no_worker_stores_it(world: World) -> None:
    now = at("2026-01-01 12:00")
    assert pushes(now=now, deep=False).status == "healthy"
    push(world, [reading(TEN, 9)])
    for waited_min, status in ((1, "healthy"), (11, "degraded")):
        Push.objects.update(received_at=now - timedelta(minutes=waited_min))
        check = pushes(now=now, deep=False)
        assert (check.status, check.detail["readings"]) == (status, 1)
    assert "eclectyc worker" in check.message
    Push.objects.update(fault="It lies beyond its day.")
    assert (pushes(now=now, deep=False).status, pushes(now=now, deep=False).detail["faulty"]) == ("degraded", 1)


def test_meters_in_other_zones_have_their_own_days(world: World) -> None:
    meter: Meter = make_meter(make_site(world.org, timezone="Australia/Lord_Howe"))
    truth = truth_of(starts_of([date(2025, 4, 6), date(2025, 10, 5)], "Australia/Lord_Howe"))
    push(world, readings_of(truth), meter=meter)
    push(world, readings_of(truth))
    drain_inbox()
    assert {start: value for start, (value, _) in held(meter).items()} == truth
    assert {start: value for start, (value, _) in held(world.meter).items()} == truth
