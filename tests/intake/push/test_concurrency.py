"""Many pushes at once, beside folding and other writers: what each answer said adds up to what is held."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime

import pytest
from django.db import connection

from eclectyc.batches.lifecycle import writers_turn
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Series
from eclectyc.intake.push.drain import drain_inbox
from eclectyc.intake.push.models import Push
from eclectyc.intake.push.service import Answer
from eclectyc.kernel.quality import ACTUAL
from tests.factories import World, make_meter
from tests.intake.import_calls import held, starts_of, truth_of
from tests.intake.push.pushing import push, readings_of

pytestmark = pytest.mark.django_db(transaction=True)
STARTS = starts_of([date(2025, 6, 1)], "Europe/London")


def side_by_side(*works: Callable[[], object]) -> None:
    """Do several things at once, and raise what any of them raised."""
    faults: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def test_the_same_readings_pushed_by_many_at_once_are_added_once(world: World) -> None:
    answers: list[Answer] = []
    readings = readings_of(truth_of(STARTS))
    is_over = threading.Event()
    running = 4

    def device() -> None:
        nonlocal running
        answers.extend(push(world, readings) for _ in range(6))
        running -= 1
        if not running:
            is_over.set()

    def folding() -> None:
        while not is_over.wait(0.02):
            drain_inbox()

    side_by_side(device, device, device, device, folding)
    drain_inbox()
    assert sorted(answer.added for answer in answers) == [0] * 23 + [48]
    assert all(answer.added + answer.unchanged == 48 for answer in answers)
    assert Series.objects.count() == 1
    assert held(world.meter) == {start: (value, ACTUAL) for start, value in truth_of(STARTS).items()}


def test_of_overlapping_pushes_each_answer_counts_its_effect_on_those_before_it(world: World) -> None:
    """Every device sets every slot to its own number: each change that is told happened once, in one order."""
    told: list[tuple[int, int]] = []

    def device(number: int) -> Callable[[], None]:
        def work() -> None:
            answer = push(world, readings_of(dict.fromkeys(STARTS, float(number))))
            told.append((answer.added, answer.changed))

        return work

    side_by_side(*(device(number) for number in range(1, 7)))
    assert sorted(told) == [(0, 48)] * 5 + [(48, 0)]
    assert Push.objects.count() == 6
    drain_inbox()
    assert len({value for value, _ in held(world.meter).values()}) == 1, "one push is the last one, in every slot"
    (batch,) = Batch.objects.all()
    assert (batch.rows, batch.added) == (6 * 48, 48)


def test_pushes_go_on_while_another_writer_has_the_lake_and_none_is_lost(world: World) -> None:
    meters = [make_meter(world.site) for _ in range(3)]
    truth: dict[str, dict[datetime, float]] = {meter.identifier: {} for meter in meters}
    with writers_turn("a long import"):
        for n in range(5):
            for meter in meters:
                part = dict.fromkeys(STARTS[n * 6 : n * 6 + 6], float(n))
                push(world, readings_of(part), meter=meter)
                truth[meter.identifier] |= part
    assert Push.objects.count() == 15
    side_by_side(*[drain_inbox] * 3)
    assert Push.objects.count() == 0
    for meter in meters:
        assert {start: value for start, (value, _) in held(meter).items()} == truth[meter.identifier]
    assert sum(batch.added for batch in Batch.objects.all()) == 90
