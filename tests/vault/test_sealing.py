"""The vault: what is sealed opens with its key only, and its key is not in the database."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from eclectyc import vault
from eclectyc.vault.errors import BadKeyFile
from eclectyc.vault.fields import EncryptedText, Secret
from eclectyc.vault.keys import newest

pytestmark = pytest.mark.django_db
SECRET = "correct horse – 電池"


def test_what_is_sealed_opens_again(home: Path):
    assert vault.open(vault.seal(SECRET)).decode() == SECRET
    assert vault.open(vault.seal(b"\x00\xff")) == b"\x00\xff"
    assert vault.open(vault.seal("")) == b""


def test_a_sealed_text_shows_nothing_and_is_never_the_same_twice(home: Path):
    first, second = vault.seal(SECRET), vault.seal(SECRET)
    assert first != second
    assert "horse" not in first


def test_the_key_is_made_once_and_readable_by_its_owner_only(home: Path):
    vault.seal(SECRET)
    key = (home / "vault.key").read_text()
    vault.seal(SECRET)
    assert (home / "vault.key").read_text() == key
    assert stat.S_IMODE((home / "vault.key").stat().st_mode) == 0o600
    assert [p.name for p in home.iterdir()] == ["vault.key"]


def test_processes_that_start_together_share_one_key(home: Path):
    names: list[str] = []
    threads = [threading.Thread(target=lambda: names.append(newest(home).name)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 16
    assert len(set(names)) == 1


def test_after_a_rotation_the_new_key_seals_and_the_old_one_still_opens(home: Path):
    old = vault.seal(SECRET)
    name = vault.rotate()
    assert vault.open(old).decode() == SECRET
    assert vault.seal(SECRET).split(".")[1] == name != old.split(".")[1]
    again = vault.reseal(old)
    assert again.split(".")[1] == name
    assert vault.reseal(again) == again
    assert vault.open(again).decode() == SECRET
    assert stat.S_IMODE((home / "vault.key").stat().st_mode) == 0o600


def test_a_missing_key_is_reported_with_its_remedy(home: Path):
    sealed = vault.seal(SECRET)
    (home / "vault.key").unlink()
    with pytest.raises(vault.CannotOpen, match=r"vault\.key is missing.*Restore the file"):
        vault.open(sealed)
    vault.seal("another")  # makes a new key: the registry has nothing sealed
    with pytest.raises(vault.CannotOpen, match="has no such key"):
        vault.open(sealed)


@pytest.mark.parametrize("text", ["", "\n", "too short\n", "é"])
def test_a_damaged_key_file_is_reported_and_not_replaced(home: Path, text: str):
    (home / "vault.key").write_text(text)
    with pytest.raises(BadKeyFile):
        vault.seal(SECRET)
    assert (home / "vault.key").read_text() == text


def test_a_changed_or_moved_secret_does_not_open(home: Path):
    sealed = vault.seal(SECRET, purpose="feed.password")
    with pytest.raises(vault.CannotOpen, match="changed or moved after it was encrypted"):
        vault.open(sealed, purpose="feed.user")
    flipped = sealed[:-4] + ("AAAA" if not sealed.endswith("AAAA") else "BBBB")
    with pytest.raises(vault.CannotOpen):
        vault.open(flipped, purpose="feed.password")


@pytest.mark.parametrize("text", ["", "plain", "v1.x.", "v2.abcd.ef", "v1..!!"])
def test_what_is_not_sealed_is_refused_in_words(home: Path, text: str):
    with pytest.raises(vault.CannotOpen, match="not an encrypted secret"):
        vault.open(text)


def test_no_message_holds_a_secret_or_a_key(home: Path):
    sealed = vault.seal(SECRET)
    key = (home / "vault.key").read_text().strip()
    for wrong in (sealed[:-6] + "zzzzzz", "v1.00000000.AAAAAAAAAAAAAAAAAAAAAAAA"):
        with pytest.raises(vault.CannotOpen) as told:
            vault.open(wrong)
        assert "horse" not in str(told.value)
        assert key not in str(told.value)
    assert key[:20] not in repr(newest(home))


def test_a_secret_prints_as_dots_and_is_given_away_by_name_only():
    secret = Secret(SECRET)
    for shown in (str(secret), repr(secret), f"{secret}", "%s" % secret, "{}".format(secret), f"{[secret]}"):  # noqa: UP031, UP032
        assert "horse" not in shown
    assert secret.reveal() == SECRET
    assert secret == SECRET
    assert not Secret("")


def test_a_field_seals_on_the_way_in_and_opens_on_the_way_out(home: Path):
    from eclectyc.accounts.models import User

    field = EncryptedText()
    field.set_attributes_from_name("password_of_feed")
    field.model = User
    stored = field.get_prep_value(SECRET)
    assert stored is not None
    assert "horse" not in stored
    out = field.from_db_value(stored, None, None)  # type: ignore[arg-type]
    assert isinstance(out, Secret)
    assert out.reveal() == SECRET
    assert field.get_prep_value(out) != SECRET
    assert vault.open(field.get_prep_value(out) or "", purpose="accounts.user.password_of_feed").decode() == SECRET
    assert field.get_prep_value("") == ""
    assert field.get_prep_value(None) is None
    assert field.get_lookup("exact") is None
