"""A damaged file gives its own contents, or is refused with a reason: never a wrong value, never a traceback."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import World, make_site
from tests.readers.formats.golden import DATA
from tests.readers.mutants.bench import Bench
from tests.readers.mutants.subjects import Mutant, subjects

pytestmark = pytest.mark.django_db
KEPT = sorted((DATA / "mutants").iterdir())
MUTANTS = 100


@pytest.mark.parametrize("name", subjects())
def test_a_damaged_file_gives_what_it_says_or_is_refused_in_words(name: str, world: World, tmp_path: Path) -> None:
    make_site(world.org, "Dock Office")
    bench = Bench(subjects()[name], world.org, tmp_path)
    went: Counter[str] = Counter()

    @settings(max_examples=MUTANTS, suppress_health_check=list(HealthCheck), database=None)
    @given(st.data())
    def each(data: st.DataObject) -> None:
        mutant: Mutant = data.draw(bench.subject.mutants)
        seen, found = bench.tries(mutant)
        went[seen.how] += 1
        assert found == []

    each()
    assert went["compared"] >= MUTANTS // 5, went


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_a_file_that_once_came_out_wrong_does_so_no_more(path: Path, world: World, tmp_path: Path) -> None:
    make_site(world.org, "Dock Office")
    name = path.stem.rpartition("-")[0]
    subject = next(one for one in subjects().values() if one.name.replace(" ", "-") == name)
    assert Bench(subject, world.org, tmp_path).tries(Mutant(path.read_bytes()))[1] == []
