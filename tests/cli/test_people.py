"""People and tokens on the command line: a secret alone on standard output, everything else beside it."""

import json

import pytest

from eclectyc.accounts.models import ApiToken, Membership, User
from tests.serving import Installation

pytestmark = pytest.mark.django_db


def test_a_person_is_added_with_a_password_that_is_printed_alone(world, run):
    said = run("user", "add", "new@harbour.example", "--role", "manager", "--organisation", "harbour estates")
    assert said.code == 0
    user = User.objects.get(email="new@harbour.example")
    assert user.check_password(said.out.strip())
    assert Membership.objects.get(user=user).role == "manager"
    assert Membership.objects.get(user=user).organisation == world.org


def test_where_there_are_several_organisations_one_has_to_be_named(world, run):
    said = run("user", "add", "new@harbour.example")
    assert (said.code, said.out) == (2, "")
    assert "Elsewhere Ltd, Harbour Estates" in said.err
    assert run("user", "add", "new@harbour.example", "--organisation", "Nowhere").code == 2
    assert not User.objects.filter(email="new@harbour.example").exists()


def test_a_password_can_be_given_on_standard_input(world, run, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    said = run("user", "password", world.viewer.email, "--password-stdin")
    assert (said.code, said.out) == (0, "")
    world.viewer.refresh_from_db()
    assert world.viewer.check_password("correct horse battery")


def test_a_weak_or_empty_password_is_refused_and_the_old_one_stays(world, run, monkeypatch):
    import io

    for text in ("short\n", "\n", ""):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        assert run("user", "password", world.viewer.email, "--password-stdin").code == 2
    world.viewer.refresh_from_db()
    assert world.viewer.check_password(world.password)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["add", "no address", "--organisation", "Harbour Estates"], "is not an email address"),
        (["add", "a@b.example", "--role", "king", "--organisation", "Harbour Estates"], "There is no role 'king'"),
        (["add", "viewer@harbour.example", "--organisation", "Harbour Estates"], "There is already a user"),
        (["password", "nobody@harbour.example"], "There is no user"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(world, run, words, why):
    said = run("user", *words)
    assert (said.code, said.out) == (2, "")
    assert why in said.err
    assert said.err.count("\n") == 1


def test_people_are_listed_with_their_roles(world, run):
    said = run("user", "list", "--organisation", "Harbour Estates", "--json")
    answer = json.loads(said.out)
    assert answer["count"] == 3
    roles = {p["email"]: p["role"] for p in answer["users"]}
    assert roles == {f"{role}@harbour.example": role for role in ("admin", "manager", "viewer")}
    assert world.outsider.email in run("user", "list").out


def test_a_token_stands_alone_on_standard_output_and_only_its_digest_is_kept(world, run):
    said = run("token", "create", world.manager.email, "--name", "reader")
    assert said.code == 0
    secret = said.out.removesuffix("\n")
    assert secret.startswith("ecl_")
    assert "\n" not in secret
    token = ApiToken.objects.get()
    assert (token.user, token.scope, token.expires_at) == (world.manager, "read", None)
    assert token.digest == ApiToken.digest_of(secret)
    listed = run("token", "list", "--json")
    assert secret not in listed.out
    assert json.loads(listed.out)["tokens"][0]["state"] == "active"


@pytest.mark.parametrize("how", ["prefix", "pasted whole"])
def test_a_token_is_revoked_by_its_first_letters_or_itself(world, run, how):
    secret = run("token", "create", world.manager.email, "--name", "reader").out.strip()
    other = run("token", "create", world.manager.email, "--name", "other").out.strip()
    assert run("token", "revoke", "ecl_").code == 2  # fits both
    assert run("token", "revoke", secret[:12] if how == "prefix" else secret).code == 0
    states = {t["name"]: t["state"] for t in json.loads(run("token", "list", "--json").out)["tokens"]}
    assert states == {"reader": "revoked", "other": "active"}
    assert other


@pytest.mark.parametrize(
    "words", [["--scope", "everything"], ["--days", "0"], ["--name", " "]], ids=["scope", "days", "name"]
)
def test_a_token_that_makes_no_sense_is_refused(world, run, words):
    said = run("token", "create", world.manager.email, "--name", "x", *words)
    assert (said.code, said.out) == (2, "")
    assert not ApiToken.objects.exists()


def test_the_token_works_against_the_real_program(installation: Installation):
    installation.run("migrate")
    installation.run("user", "add", "a@example.org")
    done = installation.run("token", "create", "a@example.org", "--name", "n", "--scope", "push")
    assert done.stdout.startswith("ecl_")
    assert done.stdout.count("\n") == 1
    assert done.stdout.strip() not in done.stderr
