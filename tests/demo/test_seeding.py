"""The demo in the registry and the lake: created once, continued later, never mixed with an estate."""

from datetime import date, timedelta

import pytest

from eclectyc.accounts.models import Organisation, User
from eclectyc.batches.models import Batch
from eclectyc.demo import seeding
from eclectyc.demo.readings import readings
from eclectyc.estate.models import Meter, Series, Site
from eclectyc.kernel.errors import EclectycError
from tests.factories import make_site
from tests.serving import Installation

TODAY = date(2026, 6, 1)


@pytest.fixture
def three_weeks(monkeypatch, home):
    """A demo of three weeks instead of two years, not created yet, and its organisation."""
    monkeypatch.setattr(seeding, "first_day", lambda made_on: made_on - timedelta(days=21))
    return Organisation.objects.create(name="My organisation")


@pytest.mark.django_db(transaction=True)
def test_the_demo_is_made_in_the_only_organisation_with_three_accounts(three_weeks):
    from eclectyc.lake.store import connect

    made = seeding.seed_demo(today=TODAY)
    assert made.is_new
    assert [a.role for a in made.accounts] == ["admin", "manager", "viewer"]
    for account in made.accounts:
        user = User.objects.get(email=account.email)
        assert user.check_password(account.password)
        assert user.memberships.get().role == account.role
        assert not user.is_operator
    assert Organisation.objects.get().name == "Larkfield Group (demo)"
    assert (Site.objects.count(), Meter.objects.count(), Series.objects.count()) == (10, 41, 38)
    batch = Batch.objects.get()
    assert (batch.state, batch.added) == (Batch.DONE, made.added)

    days = connect().days(None, date(2020, 1, 1), TODAY)
    source = list(readings(42, start=TODAY - timedelta(days=21), end=TODAY, made_on=TODAY))
    assert days["present"].sum() == made.added == sum(int((m.quality > 0).sum()) for m in source)
    assert len(days) == sum(m.days.size for m in source)


@pytest.mark.django_db(transaction=True)
def test_a_second_start_adds_nothing_and_a_later_one_the_days_since(three_weeks):
    from eclectyc.lake.store import connect

    first = seeding.seed_demo(today=TODAY)
    again = seeding.seed_demo(today=TODAY)
    assert (again.is_new, again.added) == (False, 0)
    assert all(account.password is None for account in again.accounts)
    later = seeding.seed_demo(today=TODAY + timedelta(days=3))
    assert later.added > 0
    whole = list(readings(42, start=TODAY - timedelta(days=21), end=TODAY + timedelta(days=3), made_on=TODAY))
    held = connect().days(None, date(2020, 1, 1), date(2027, 1, 1))
    assert held["present"].sum() == first.added + later.added == sum(int((m.quality > 0).sum()) for m in whole)
    assert Meter.objects.count() == 41


@pytest.mark.django_db
def test_the_demo_is_never_mixed_with_an_estate(three_weeks):
    make_site(three_weeks, "Our own")
    with pytest.raises(EclectycError, match="never mixed with an estate of your own"):
        seeding.seed_demo(today=TODAY)
    assert Site.objects.count() == 1
    assert not User.objects.exists()


@pytest.mark.parametrize("point", ["lake.before_commit", "lake.after_commit", "intake.before_done"])
def test_an_interrupted_demo_is_finished_by_the_next_start(installation: Installation, point):
    installation.run("migrate")
    assert installation.run("seed", ECLECTYC_FAILPOINT=point).returncode == -9
    done = installation.json("seed")
    assert all(account["password"] for account in done["accounts"])
    assert installation.run("check").returncode == 0
    assert installation.json("aggregate", "--all")["readings"] > 1_000_000
