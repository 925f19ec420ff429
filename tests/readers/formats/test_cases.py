"""The cases that every format is tested with. A reader without its line in ``CASES`` fails the suite.

Each format has a golden file; a day on which the clocks change; an estimate; a wrong unit; the file cut off; the file
made hostile; and mutants, a hundred in every run and 2,000 by ``make fuzz``. The last four are the same for all
formats, and below; for the others ``CASES`` names their test, or the reason why there is none.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from eclectyc.cli.session import OPERATOR
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.service import import_file
from eclectyc.kernel.errors import Invalid
from eclectyc.readers.formats import readers
from tests.factories import World, make_site
from tests.intake.import_calls import bring, held, starts_of, truth_of, values_of
from tests.readers.formats.golden import golden
from tests.readers.mutants.bench import Bench
from tests.readers.mutants.profile import PROFILE
from tests.readers.mutants.subjects import Mutant, subjects

MPAN = "1200023305967"
CHANGES = "intake.alignment.test_clock_changes:test_every_slot_of_both_change_days_is_where_the_clocks_put_it"
LONDON = "readers.formats.test_london:test_every_half_hour_lands_in_its_slot_with_its_quality"
SOUND = "readers.formats.test_cases:test_a_sound_file_is_what_its_plain_reader_says_estimates_too"
NO_FLAGS, NO_READINGS = "none: the format has no flags", "none: the file holds no readings"

# format -> clock change, estimate
CASES: dict[str, tuple[str, str]] = {
    "long": (CHANGES, SOUND),
    "simple long": ("readers.formats.test_cases:test_simple_long_on_days_on_which_the_clocks_change", SOUND),
    "wide": (CHANGES, SOUND),
    "EDF wide-50": ("intake.alignment.test_clock_changes:test_the_edf_portals_fifty_columns_and_flags", SOUND),
    "matrix": (CHANGES, NO_FLAGS),
    "daily": ("readers.formats.test_cases:test_a_day_of_23_or_25_hours_is_one_day", SOUND),
    "registers": ("readers.formats.test_registers:test_days_of_23_and_25_hours_are_counted_as_such", SOUND),
    "deliveries": ("registers.test_tanks:test_days_of_23_and_25_hours_are_counted_as_such", NO_FLAGS),
    "bglobal": ("readers.formats.test_bglobal:test_local_clock_times_are_placed_by_the_clock_on_change_days", NO_FLAGS),
    "stark": ("readers.formats.test_stark:test_ends_in_utc_find_their_slots_on_change_days", SOUND),
    "d0379": ("readers.formats.test_d0379:test_utc_days_find_their_slots_on_change_days", SOUND),
    "nem12": ("readers.formats.test_nem12:test_market_time_is_utc_plus_10_all_year_whatever_the_site_s_clock", SOUND),
    "nem13": ("readers.formats.test_nem13:test_sydneys_clock_changes_have_their_hours", SOUND),
    "d0010": ("readers.formats.test_d0010:test_reads_are_in_local_time_on_both_clock_change_days",
              "readers.formats.test_d0010:test_reading_types_are_actual_or_estimated"),
    "octopus": (LONDON, NO_FLAGS),
    "n3rgy": (LONDON, NO_FLAGS),
    "glowmarkt": (LONDON, NO_FLAGS),
    "greenbutton": (LONDON, SOUND),
    "xlsx": (LONDON, LONDON),
    "xls": (LONDON, LONDON),
    "ods": (LONDON, NO_FLAGS),
    "csv.gz": (SOUND, SOUND),
    "declared": ("readers.formats.test_cases:test_a_declared_layout_on_days_on_which_the_clocks_change", SOUND),
    "sites": (NO_READINGS, NO_READINGS),
    "meters": (NO_READINGS, NO_READINGS),
}  # fmt: skip
WITH_ESTIMATES = {name for name, (_, estimate) in CASES.items() if estimate == SOUND}


def test_every_reader_has_its_cases_and_every_case_its_test() -> None:
    missing = {reader.name for reader in readers()} - set(CASES)
    assert not missing, f"a new format comes with a golden file, a subject of mutants and its line here: {missing}"
    assert set(CASES) <= set(subjects()), "each has its mutants, and a golden file that they are made of"
    for named in {name for pair in CASES.values() for name in pair if not name.startswith("none: ")}:
        module, _, function = named.partition(":")
        assert callable(getattr(import_module(f"tests.{module}"), function, None)), named


@pytest.fixture
def bench(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Bench:
    make_site(world.org, "Dock Office")
    return Bench(subjects()[request.param], world.org, tmp_path)


every = pytest.mark.parametrize("bench", subjects(), indirect=True)
of_text = pytest.mark.parametrize(
    "bench", [name for name in subjects() if not name.startswith(("xls", "ods", "csv.gz"))], indirect=True
)
in_the_registry = pytest.mark.django_db


@every
@in_the_registry
def test_a_sound_file_is_what_its_plain_reader_says_estimates_too(bench: Bench) -> None:
    mutant = Mutant(bench.subject.golden.content)
    seen, found = bench.tries(mutant)
    assert found == []
    assert seen.how == "compared" or bench.subject.name.startswith(("xls", "ods"))
    outcome = bench._tried(mutant)
    qualities = {quality for _, quality, _ in outcome.slots.values()} | {read.get("quality") for read in outcome.reads}
    assert 2 in qualities or bench.subject.name not in WITH_ESTIMATES


@every
@in_the_registry
def test_a_unit_that_nobody_knows_is_refused_before_anything_is_read(
    bench: Bench, world: World, tmp_path: Path
) -> None:
    path = bench.subject.golden.write(tmp_path)
    options = ImportOptions(**bench.subject.options | {"unit": "firkins"})
    with pytest.raises(Invalid, match="'firkins' is not known") as refused:
        import_file(OPERATOR, organisation=world.org, path=path, options=options)
    assert refused.value.field == "unit"


@every
@in_the_registry
def test_a_file_cut_off_anywhere_says_nothing_that_the_whole_does_not(bench: Bench) -> None:
    content = bench.subject.golden.content
    for n in range(12):
        at = len(content) - 1 - n * n * len(content) // 150
        assert bench.tries(Mutant(content[:at]))[1] == [], f"cut off at {at}"


@of_text
@in_the_registry
def test_a_hostile_file_is_refused_or_its_lines_are_named(bench: Bench) -> None:
    content = bench.subject.golden.content
    middle = content.find(b"\n", len(content) // 2) + 1
    for junk in (
        b"\0",
        b"\0" * 5000,
        b"=cmd|' /C calc'!A0,1\n",
        b"../../../etc/passwd,@SUM(A1)\n",
        b'"\n',
        b"\xff\xfe\n",
        b"," * 9000 + b"\n",
    ):
        assert bench.tries(Mutant(content[:middle] + junk + content[middle:]))[1] == [], junk[:20]
    for head in (
        b"x," * (1 << 20) + b"\n",
        b"PK\x03\x04",
        b"%PDF-1.4\n",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"<!DOCTYPE x>",
    ):
        seen, found = bench.tries(Mutant(head + content))
        assert (seen.how, found) == ("refused", []), head[:20]


@in_the_registry
def test_simple_long_on_days_on_which_the_clocks_change(world: World, tmp_path: Path) -> None:
    truth = truth_of(starts_of([date(2024, 3, 31), date(2024, 10, 27)], "Europe/London"))
    rows = [f"{MPAN}, AI, {start:%Y-%m-%d %H:%M}, {value}, A" for start, value in truth.items()]
    report = bring(
        world, tmp_path / "a.csv", "\n".join(["MPAN Core, Channel Type, Start Date, Value, Status", *rows]) + "\n"
    )
    assert (report.format, values_of(held(MPAN))) == ("simple long", truth)


@in_the_registry
def test_a_declared_layout_on_days_on_which_the_clocks_change(world: World, tmp_path: Path) -> None:
    truth = truth_of(starts_of([date(2024, 3, 31), date(2024, 10, 27)], "Europe/London"))
    (tmp_path / "sender.toml").write_text(PROFILE.replace('"UTC"', '"Europe/London"').replace('"Wh"', '"kWh"'))
    lines = ["Zählpunkt;Von;Verbrauch;Güte"]
    for start, value in truth.items():
        shown = start.astimezone(ZoneInfo("Europe/London"))
        lines.append(f"{MPAN};{shown:%d.%m.%Y %H:%M};{str(value).replace('.', ',')};W")
    (tmp_path / "a.txt").write_text("\n".join(lines) + "\n")
    options = ImportOptions(profile=str(tmp_path / "sender.toml"))
    report = import_file(OPERATOR, organisation=world.org, path=tmp_path / "a.txt", options=options)
    assert (report.errors, values_of(held(MPAN))) == ([], truth)


@in_the_registry
def test_a_day_of_23_or_25_hours_is_one_day(world: World, tmp_path: Path) -> None:
    days = [date(2024, 3, 30) + timedelta(days=n) for n in range(3)] + [
        date(2024, 10, 26) + timedelta(days=n) for n in range(3)
    ]
    text = "\n".join(["MPAN,Date,kWh", *(f"{MPAN},{day:%d/%m/%Y},{n + 1}" for n, day in enumerate(days))]) + "\n"
    assert bring(world, tmp_path / "a.csv", text).format == "daily"
    london = ZoneInfo("Europe/London")
    midnights = [datetime(day.year, day.month, day.day, tzinfo=london).astimezone(UTC) for day in days]
    assert values_of(held(MPAN)) == {at: n + 1.0 for n, at in enumerate(midnights)}


def test_every_golden_file_is_of_a_format_that_has_its_cases() -> None:
    known = {subject.golden.format for subject in subjects().values()}
    assert {file.format for file in golden().values()} <= known
