"""The rejected lines of files whose lines are of several kinds: whole, and taken once what was wrong is mended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.estate.models import Meter
from eclectyc.intake.uploads.models import Upload
from eclectyc.intake.uploads.rejected import RejectedLines, rejected_lines
from eclectyc.intake.uploads.service import receive, start
from eclectyc.jobs.worker import run_waiting
from eclectyc.lake.store import connect
from tests.factories import World, make_meter

pytestmark = pytest.mark.django_db(transaction=True)
UNKNOWN = "2248274887874"


def d0379(meters: list[str], wrong: str = "") -> list[str]:
    lines = ["ZHV|0000000001|D0379001|X|UDMS|C|ABCD|20250601120000||||OPER|"]
    for meter in meters:
        lines.append(f"25B|{meter}|AI|")
        for day in ("20250601", "20250602"):
            lines += [f"26B|{day}|", *(f"66L|A|{n}.5|" for n in range(48))]
    if wrong:
        lines[-3] = wrong
    return [*lines, "ZPT|0000000001|4||2|20250601120000|"]


def nem12(meters: list[str]) -> list[str]:
    lines = ["100,NEM12,202506011200,X,Y"]
    for meter in meters:
        lines.append(f"200,{meter},E1,E1,E1,N1,01009,kWh,30,")
        lines += [f"300,202506{day:02},{','.join(['1.5'] * 48)},A,,,20250610120000," for day in (1, 2)]
    return [*lines, "900"]


def d0010(meters: list[str]) -> list[str]:
    lines = ["ZHV|F1|D0010002|D|UDMS|X|MRCY|20250402153151||||OPER|"]
    for n, meter in enumerate(meters):
        lines += [f"026|{meter}|V|", f"028|SERIAL {n}|R|"]
        lines += [f"030|S|202506{day:02}000000|{100 * day}.0|||T|N|" for day in (1, 2, 3)]
    return [*lines, f"ZPT|F1|{len(lines) - 1}||{len(meters)}|20250402154650|"]


def nem13(meters: list[str]) -> list[str]:
    rows = [
        f"250,{meter},E1,1,E1,N1,SERIAL {n},E,4120,20250501000000,A,,,5120,20250601000000,A,,,1000,kWh,,,"
        for n, meter in enumerate(meters)
    ]
    return ["100,NEM13,202502010000,MDP1,RET1", *rows, "900"]


def imported(world: World, lines: list[str], name: str) -> Upload:
    actor = Actor.of(world.admin)
    upload = receive(actor, organisation=world.org, name=name, chunks=["\n".join([*lines, ""]).encode()])
    start(actor, upload=upload)
    run_waiting()
    upload.refresh_from_db()
    return upload


def kwh_of(meter: Meter) -> float:
    series = [one.pk for one in meter.series.all()]
    days = connect().days(series, date(2025, 5, 1), date(2025, 7, 1)) if series else None
    return 0.0 if days is None else float(days["total"].sum())


@pytest.mark.parametrize(
    ("make", "data", "known", "unknown"),
    [
        (d0379, "66L", "1000000000040", UNKNOWN),
        (d0010, "030", "1000000000040", UNKNOWN),
        (nem12, "300", "NEM1201009", "NEM1201010"),
        (nem13, "250", "NEM1201009", "NEM1201010"),
    ],
    ids=["d0379", "d0010", "nem12", "nem13"],
)
def test_what_was_rejected_goes_in_by_itself_once_the_meter_is_there(
    world: World, make: Callable[[list[str]], list[str]], data: str, known: str, unknown: str
) -> None:
    there = Meter.objects.filter(identifier=known, site=world.site).first() or make_meter(world.site, known)
    lines = make([known, unknown])
    upload = imported(world, lines, "flow.csv")
    assert kwh_of(there) > 0, upload.report
    told = [line.rstrip("\n") for line in rejected_lines(Actor.of(world.admin), upload)]
    own = lines[next(n for n, line in enumerate(lines) if unknown in line) : -1]
    assert [line for line in told if line.startswith(data)] == [line for line in own if line.startswith(data)]
    assert set(told) <= set(lines)
    late = make_meter(world.site, unknown)
    again = imported(world, told, "again.csv")
    assert (again.report["rejected"], again.report["format"]) == (0, upload.report["format"])
    assert kwh_of(late) == pytest.approx(kwh_of(there))


def test_a_line_with_two_faults_counts_once(world: World) -> None:
    upload = imported(world, d0379([world.meter.identifier, UNKNOWN], wrong="66L|A|much|"), "flow.txt")
    assert upload.report["rejected"] == 2 * 48
    numbers = RejectedLines.from_report(upload.report)
    assert {*range(103, 151), *range(152, 200)} <= {n for n in range(500) if n in numbers}
