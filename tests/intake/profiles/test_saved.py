"""Profiles saved in an organisation: made, renamed, copied, used and not deleted under whoever uses them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.audit.models import Event
from eclectyc.cli.session import OPERATOR
from eclectyc.estate.changes import Changed
from eclectyc.intake.feeds.models import Feed
from eclectyc.intake.feeds.service import FeedDetails, create_feed, options_of, update_feed
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.profiles.mapping import Mapping, mapping_of
from eclectyc.intake.profiles.models import ImportProfile
from eclectyc.intake.profiles.service import (
    change_profile,
    create_profile,
    delete_profile,
    duplicate_profile,
    profile_named,
)
from eclectyc.intake.service import import_file
from eclectyc.intake.uploads.service import receive, start
from eclectyc.jobs.models import Job
from eclectyc.jobs.worker import run_waiting
from eclectyc.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tests.factories import World
from tests.intake.import_calls import bring, held, values_of

pytestmark = pytest.mark.django_db(transaction=True)

MPAN = "1200023305967"  # the world's meter


def daily(**more: object) -> Mapping:
    return mapping_of({"layout": "daily", "columns": {"meter": "Who", "date": "Tag", "value": "Menge"}, **more})


@pytest.fixture
def admin(world: World) -> Actor:
    return Actor.of(world.admin)


@pytest.fixture
def profile(world: World, admin: Actor) -> ImportProfile:
    return create_profile(admin, organisation=world.org, name="Stadtwerke", mapping=daily())


def test_a_file_goes_in_with_a_profile_by_its_name(world: World, profile: ImportProfile, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "a.csv", f"Who,Tag,Menge\n{MPAN},2025-01-06,48\n", profile="stadtwerke")
    assert (report.errors, report.added, report.why) == ([], 1, "it is declared by profile Stadtwerke")
    assert values_of(held(world.meter)) == {datetime(2025, 1, 6, tzinfo=UTC): 48.0}
    profile.refresh_from_db()
    assert profile.last_used_at is not None
    assert profile.signature == {"keys": ["who", "tag", "menge"], "width": 3}  # the next one is known by it


def test_a_trial_does_not_count_as_use(world: World, profile: ImportProfile, tmp_path: Path) -> None:
    text = f"Who,Tag,Menge\n{MPAN},2025-01-06,48\n"
    bring(world, tmp_path / "a.csv", text, profile="Stadtwerke", dry_run=True)
    profile.refresh_from_db()
    assert profile.last_used_at is None


def test_a_profile_is_known_in_its_own_organisation_alone(world: World, profile: ImportProfile, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Who,Tag,Menge\nA,2025-01-06,48\n")
    for actor, organisation in ((OPERATOR, world.other_org), (Actor.of(world.outsider), world.other_org)):
        with pytest.raises(NotFound, match="no import profile"):
            import_file(actor, organisation=organisation, path=path, options=ImportOptions(profile="Stadtwerke"))
    with pytest.raises(Forbidden):
        import_file(
            Actor.of(world.outsider), organisation=world.org, path=path, options=ImportOptions(profile="Stadtwerke")
        )
    assert list(ImportProfile.objects.visible_to(Actor.of(world.outsider))) == []
    assert list(ImportProfile.objects.visible_to(Actor.of(world.viewer))) == []


def test_names_are_unique_whatever_their_case_and_free_in_another_organisation(
    world: World, profile: ImportProfile, admin: Actor
) -> None:
    with pytest.raises(Conflict, match="already"):
        create_profile(admin, organisation=world.org, name="STADTWERKE", mapping=daily())
    create_profile(Actor.of(world.outsider), organisation=world.other_org, name="Stadtwerke", mapping=daily())
    copies = [duplicate_profile(admin, profile=profile).name for _ in range(2)]
    assert copies == ["Stadtwerke (copy)", "Stadtwerke (copy 2)"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a.toml", "a/b", "a\x00b"])
def test_what_is_no_name_is_refused(world: World, admin: Actor, name: str) -> None:
    with pytest.raises(Invalid) as error:
        create_profile(admin, organisation=world.org, name=name, mapping=daily())
    assert error.value.field == "name"


def test_a_change_needs_the_version_that_was_read_and_leaves_one_event(profile: ImportProfile, admin: Actor) -> None:
    seen = profile.version
    changed = change_profile(admin, profile=profile, version=seen, mapping=daily(last_wins=True), notes="withdraws")
    assert (changed.version, mapping_of(changed.mapping).last_wins) == (seen + 1, True)
    with pytest.raises(Changed):
        change_profile(admin, profile=profile, version=seen, notes="late")
    change_profile(admin, profile=profile, notes="withdraws")  # as it is already
    assert [event.action for event in Event.objects.filter(subject_type="importprofile").order_by("pk")] == [
        "profile.created",
        "profile.changed",
    ]


def test_a_feed_follows_its_profile_through_a_new_name_and_holds_it(
    world: World, profile: ImportProfile, admin: Actor, tmp_path: Path
) -> None:
    wanted = FeedDetails("Box", {"path": str(tmp_path), "settle_s": 0}, options=ImportOptions(profile="stadtwerke"))
    feed = create_feed(OPERATOR, organisation=world.org, kind=Feed.FOLDER, details=wanted)
    change_profile(admin, profile=profile, name="City works")
    feed.refresh_from_db()
    assert options_of(feed).profile == "City works"
    with pytest.raises(Conflict, match="used by 1 feed: Box"):
        delete_profile(admin, profile=profile)
    update_feed(OPERATOR, feed=feed, details=FeedDetails("Box", {"path": str(tmp_path)}))
    delete_profile(admin, profile=profile)
    assert not ImportProfile.objects.exists()


def test_a_feed_takes_no_profile_of_another_organisation_and_no_file_of_the_server(
    world: World, profile: ImportProfile, tmp_path: Path
) -> None:
    (tmp_path / "own.toml").write_text('layout = "daily"\n[columns]\ndate = 1\nvalue = 2\n')
    for name in ("Stadtwerke", str(tmp_path / "own.toml")):
        wanted = FeedDetails("Box", {"path": str(tmp_path)}, options=ImportOptions(profile=name))
        with pytest.raises(NotFound):
            create_feed(OPERATOR, organisation=world.other_org, kind=Feed.FOLDER, details=wanted)
    assert not Feed.objects.exists()


def test_a_file_holds_its_profile_in_whatever_case_it_was_named(
    world: World, profile: ImportProfile, admin: Actor
) -> None:
    text = f"Who,Tag,Menge\n{MPAN},2025-01-06,48\n".encode()
    options = ImportOptions(profile="  STADTWERKE ")
    upload = receive(admin, organisation=world.org, name="a.csv", chunks=[text], options=options)
    start(admin, upload=upload)
    with pytest.raises(Conflict, match="still to be imported"):
        delete_profile(admin, profile=profile)
    change_profile(admin, profile=profile, name="City works")
    run_waiting()
    upload.refresh_from_db()
    assert (upload.options["profile"], upload.report["added"]) == ("City works", 1)


def test_a_file_whose_import_failed_is_tried_again_under_the_profiles_new_name(
    world: World, profile: ImportProfile, admin: Actor
) -> None:
    upload = receive(admin, organisation=world.org, name="a.csv", chunks=[b"Who,Tag,Menge\nM9,2025-01-06,48\n"])
    start(admin, upload=upload, options=ImportOptions(profile="Stadtwerke"))
    run_waiting()
    change_profile(admin, profile=profile, name="City works")
    upload.refresh_from_db()
    assert upload.job is not None
    assert (upload.job.state, upload.options["profile"]) == (Job.FAILED, "City works")


def test_a_file_that_waits_follows_its_profile_and_holds_it(world: World, profile: ImportProfile, admin: Actor) -> None:
    text = f"Who,Tag,Menge\n{MPAN},2025-01-06,48\n".encode()
    upload = receive(admin, organisation=world.org, name="a.csv", chunks=[text])
    with pytest.raises(NotFound):
        start(admin, upload=upload, options=ImportOptions(profile="none such"))
    start(admin, upload=upload, options=ImportOptions(profile="Stadtwerke"))
    change_profile(admin, profile=profile, name="City works")
    with pytest.raises(Conflict, match="still to be imported"):
        delete_profile(admin, profile=profile)
    run_waiting()
    upload.refresh_from_db()
    assert upload.report["added"] == 1
    delete_profile(admin, profile=profile)


def test_several_values_of_a_line_are_declared_with_quantity_and_unit(
    world: World, admin: Actor, tmp_path: Path
) -> None:
    columns = {
        "meter": "Zähler", "stamp": "Von",
        "value": [
            {"column": "Bezug", "quantity": "import", "unit": "Wh"},
            {"column": "Einspeisung", "quantity": "export"},
        ],
    }  # fmt: skip
    mapping = mapping_of({"layout": "long", "columns": columns, "meaning": {"stamps": "start"}})
    create_profile(admin, organisation=world.org, name="Netz", mapping=mapping)
    rows = [f"{MPAN},2025-01-06 {k // 2:02}:{k % 2 * 30:02},{1000 + k},{k}" for k in range(4)]
    text = "\n".join(["Zähler,Von,Bezug,Einspeisung", *rows]) + "\n"
    report = bring(world, tmp_path / "a.csv", text, profile="Netz")
    assert (report.errors, report.added) == ([], 8)
    start_at = datetime(2025, 1, 6, tzinfo=UTC)
    times = [start_at + timedelta(minutes=30 * k) for k in range(4)]
    assert values_of(held(world.meter)) == pytest.approx({at: 1 + k / 1000 for k, at in enumerate(times)})
    assert values_of(held(world.meter, "export")) == {at: float(k) for k, at in enumerate(times)}


def test_a_profile_is_found_by_its_name_or_the_error_lists_the_names(
    world: World, profile: ImportProfile, admin: Actor
) -> None:
    assert profile_named(admin, world.org, "  STADTWERKE ") == profile
    with pytest.raises(NotFound) as error:
        profile_named(admin, world.org, "Other")
    assert "It has: Stadtwerke." in error.value.remedy
