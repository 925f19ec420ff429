"""Going over to another key: everything opens before, during and after, also where the process is killed."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection, models
from django.test.utils import isolate_apps

from eclectyc import vault
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.second_factor import has_second_factor
from eclectyc.audit.models import Event
from eclectyc.kernel.errors import Busy, Forbidden
from eclectyc.privacy import secret_rotation
from eclectyc.vault import encrypted_columns, rotation
from eclectyc.vault.fields import EncryptedText
from eclectyc.vault.sealed_text import key_name
from tests.factories import World
from tests.serving import Installation

SYSTEM = Actor.system()
SECRET = "JBSWY3DPEHPK3PXP"
# Who may call the vault by hand, and where what they seal is found again (a session's is made anew when it is not).
SEALERS = {"accounts/second_factor.py": "mfa.authenticator.data", "web/views/second_factor.py": ""}


@pytest.fixture
def factor(world: World) -> Authenticator:
    data = {"secret": vault.seal(SECRET), "since": 3, "codes": [vault.seal("one"), vault.seal("two")]}
    return Authenticator.objects.create(user=world.viewer, type=Authenticator.Type.TOTP, data=data)


def rotate(**how: object) -> secret_rotation.RotationResult:
    return secret_rotation.rotate(SYSTEM, **{"wait_s": 0.0} | how)  # type: ignore[arg-type]


@pytest.mark.django_db
def test_every_secret_is_sealed_with_the_new_key_and_the_old_one_is_gone(factor: Authenticator, home: Path) -> None:
    old = (home / "vault.key").read_text().strip()
    done = rotate()
    assert (done.anew, done.lost, done.resumed) == ({"mfa.authenticator.data": 3}, {}, False)
    factor.refresh_from_db()
    texts = [factor.data["secret"], *factor.data["codes"]]
    assert [vault.open(text).decode() for text in texts] == [SECRET, "one", "two"]
    assert {key_name(text) for text in texts} == {done.key}
    assert factor.data["since"] == 3
    kept = (home / "vault.key").read_text()
    assert old not in kept
    assert len(kept.split()) == 1
    assert stat.S_IMODE((home / "vault.key").stat().st_mode) == 0o600
    assert has_second_factor(factor.user)


@pytest.mark.django_db
def test_a_rotation_is_two_events_that_hold_no_secret(factor: Authenticator, home: Path) -> None:
    done = rotate()
    told = list(Event.objects.order_by("pk").values_list("action", "after"))
    assert told == [
        ("vault.rotation_started", {"key": done.key}),
        ("vault.rotated", {"key": done.key, "sealed_anew": {"mfa.authenticator.data": 3}, "lost": {}}),
    ]
    assert (home / "vault.key").read_text().strip() not in str(told)


@pytest.mark.django_db
def test_what_another_process_writes_with_the_old_key_meanwhile_goes_over_too(
    factor: Authenticator, world: World, home: Path
) -> None:
    late = vault.seal("late")

    def write_late(wait_s: float) -> None:
        assert 20 < wait_s <= 25
        Authenticator.objects.create(user=world.admin, type=Authenticator.Type.TOTP, data={"secret": late})

    done = rotate(wait_s=25.0, sleep=write_late)
    assert done.anew == {"mfa.authenticator.data": 4}
    assert vault.open(Authenticator.objects.get(user=world.admin).data["secret"]).decode() == "late"


@pytest.mark.django_db
def test_what_no_key_opens_is_counted_and_left(factor: Authenticator, world: World, home: Path) -> None:
    strange = "v1.00000000." + "A" * 40
    Authenticator.objects.create(user=world.admin, type=Authenticator.Type.TOTP, data={"secret": strange})
    done = rotate()
    assert (done.anew, done.lost) == ({"mfa.authenticator.data": 3}, {"mfa.authenticator.data": 1})
    assert Authenticator.objects.get(user=world.admin).data == {"secret": strange}


@pytest.mark.django_db
def test_only_one_rotates_at_a_time_and_only_an_operator(world: World, home: Path) -> None:
    with rotation.exclusive(home), pytest.raises(Busy):
        rotate()
    with pytest.raises(Forbidden):
        secret_rotation.rotate(Actor.of(world.admin))


@pytest.mark.django_db
def test_the_status_lists_which_key_seals_what(factor: Authenticator, home: Path) -> None:
    first = secret_rotation.vault_status()
    assert first.columns["mfa.authenticator.data"] == {first.keys[0]: 3}
    newer = vault.rotate()
    assert secret_rotation.vault_status().keys == [newer, *first.keys]


@pytest.fixture
def passwords(transactional_db: None, home: Path) -> Iterator[type[models.Model]]:
    """A table with a sealed column, as a feed has."""
    with isolate_apps("eclectyc.accounts"):

        class Feed(models.Model):
            password = EncryptedText(blank=True)

            class Meta:
                app_label = "accounts"

        with connection.schema_editor() as editor:
            editor.create_model(Feed)
        yield Feed
        with connection.schema_editor() as editor:
            editor.delete_model(Feed)


def test_a_sealed_column_is_found_by_itself_and_in_parts(
    passwords: type[models.Model], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encrypted_columns, "AT_ONCE", 4)
    rows = passwords._base_manager
    rows.bulk_create(passwords(password=f"secret {n}" if n % 3 else "") for n in range(11))
    [column] = encrypted_columns.columns([passwords])
    assert column.name == "accounts.feed.password"
    key, _ = rotation.begin(home)
    done = rotation.reseal_all([column], key)
    assert done.resealed == {"accounts.feed.password": 7}
    assert rotation.reseal_all([column], key).resealed == {}
    assert rotation.count_by_key([column]) == {"accounts.feed.password": {key.name: 7}}
    kept = [row.password.reveal() for row in rows.order_by("pk")]
    assert kept == [f"secret {n}" if n % 3 else "" for n in range(11)]


def test_code_that_seals_by_hand_is_known_to_the_rotation() -> None:
    source = Path(vault.__file__).parents[1]
    by_hand = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if "vault" not in path.relative_to(source).parts
        if re.search(r"\bvault\.(re)?seal\(|from eclectyc\.vault(\.sealing)? import .*\bseal\b", path.read_text())
    }
    assert by_hand == SEALERS.keys(), "register the column where it is kept (vault.columns.register), and name it here"
    assert {name for name in SEALERS.values() if name} <= {column.name for column in encrypted_columns.columns()}


PUT = (
    "from eclectyc.operations.home import make_ready; make_ready(); "
    "from allauth.mfa.models import Authenticator as A; from eclectyc.accounts.models import User; "
    "from eclectyc import vault; u = User.objects.create(email='a@b.example'); "
    "A.objects.create(user=u, type='totp', data={'secret': vault.seal('kept safe')})"
)
READ = (
    "from allauth.mfa.models import Authenticator as A; from eclectyc import vault; from eclectyc.vault import keys; "
    "from django.conf import settings; kept = A.objects.get().data['secret']; "
    "print('read:', vault.open(kept).decode(), kept.split('.')[1], *[k.name for k in keys.keys(settings.HOME)])"
)


class PowerCut(BaseException):
    """What nothing catches."""


@pytest.mark.django_db(transaction=True)
def test_ended_at_any_point_everything_opens_and_the_next_finishes_it(
    factor: Authenticator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for point in ("vault.key_added", "vault.part_sealed", "vault.sealed", "vault.dropped"):

        def cut(name: str, point: str = point) -> None:
            if name == point:
                raise PowerCut

        monkeypatch.setattr(rotation, "failpoint", cut)
        with pytest.raises(PowerCut):
            rotate()
        factor.refresh_from_db()
        assert vault.open(factor.data["secret"]).decode() == SECRET, point
        monkeypatch.setattr(rotation, "failpoint", lambda name: None)
        done = rotate()
        assert (done.resumed, done.lost) == (point != "vault.dropped", {}), point
        assert secret_rotation.vault_status().columns["mfa.authenticator.data"] == {done.key: 3}
        assert secret_rotation.vault_status().keys == [done.key]


def test_killed_in_the_middle_it_is_finished_by_the_next(installation: Installation) -> None:
    done = installation.run("manage", "shell", "-c", PUT)
    assert done.returncode == 0, done.stderr
    killed = installation.run("vault", "rotate", "--wait", "0", ECLECTYC_FAILPOINT="vault.part_sealed")
    assert killed.returncode == -9
    finished = installation.json("vault", "rotate", "--wait", "0")
    assert (finished["resumed"], finished["lost"]) == (True, {})
    read = installation.run("manage", "shell", "-c", READ).stdout
    assert f"read: kept safe {finished['key']} {finished['key']}\n" in read
