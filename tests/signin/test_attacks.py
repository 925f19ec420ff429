"""One test for each attack on signing in."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import URLPattern

from eclectyc.web.account_urls import urlpatterns
from tests.factories import World
from tests.signin.people import Person
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db(transaction=True)
POSTED = ["/login", "/logout", "/account/password", "/account/password/reset", "/account/second-factor/set-up",
          "/account/second-factor/remove", "/account/recovery-codes/new", "/account/sessions/end-others",
          "/account/confirm", "/invitation/x"]  # fmt: skip


def test_a_session_planted_before_sign_in_is_invalid_afterwards(viewer: Person) -> None:
    viewer.set_up(viewer.enter())
    attacker = viewer.browser()
    viewer.knock(attacker)  # a session that is waiting for a code, known to the attacker
    planted = attacker.session.session_key
    victim = viewer.browser()
    victim.cookies["sessionid"] = planted
    viewer.enter(victim)
    assert victim.session.session_key != planted
    assert attacker.get("/").status_code == 302


def test_a_made_up_session_key_is_not_accepted(viewer: Person) -> None:
    victim = viewer.browser()
    victim.cookies["sessionid"] = "a" * 32
    viewer.enter(victim)
    assert victim.session.session_key != "a" * 32


@pytest.mark.parametrize("address", POSTED)
def test_a_form_sent_from_elsewhere_is_refused(address: str, viewer: Person) -> None:
    client = viewer.enter()
    careful = Client(enforce_csrf_checks=True, raise_request_exception=False)
    careful.cookies = client.cookies
    answer = careful.post(address)
    assert answer.status_code == 403
    assert "This form has expired" in text_of(answer)


@pytest.mark.parametrize(
    "then",
    ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)",
     "/%09/elsewhere.example", "\thttps://elsewhere.example"],
)  # fmt: skip
def test_no_page_leads_elsewhere(then: str, viewer: Person) -> None:
    def stays(answer: object) -> bool:
        to = answer.headers.get("Location", "/")
        return to.startswith("/") and not re.match(r"^[/\\]{2}|^/[\t\n\r]*[/\\]", to)

    with_password = viewer.browser()
    form = {"username": viewer.user.email, "password": viewer.password, "next": then}
    assert stays(with_password.post("/login", form))
    assert stays(with_password.post("/account/confirm", {"password": viewer.password, "next": then}))
    assert stays(with_password.get("/login", {"next": then}))
    viewer.set_up(with_password)
    with_code = viewer.browser()
    with_code.post("/login", form)
    assert stays(with_code.post("/login/code", {"code": viewer.code(), "next": then}))


def test_every_page_refuses_to_be_framed_and_runs_nothing_inline(viewer: Person) -> None:
    client = viewer.enter()
    viewer.set_up(client)
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        address = re.sub(r"<[^>]+>|\(\?P.*", "1", str(pattern.pattern)).strip("^$")
        answer = client.get(f"/{address}")
        assert answer.headers["X-Frame-Options"] == "DENY", address
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], address
        page = answer.content.decode()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)[^>]*>", page), address
        if answer.status_code == 200:
            assert re.search("no-store|no-cache", answer.headers["Cache-Control"]), address
            assert not re.search("<title> –", page), address


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "evil.example:8000", "a b"])
def test_a_host_that_is_not_ours_is_refused(host: str, visitor: Client, settings: object) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    for address in ("/login", "/account/password/reset"):
        answer = visitor.get(address, headers={"Host": host})
        assert answer.status_code == 400
        assert host not in answer.content.decode()


def test_cookies_stay_out_of_scripts_and_behind_tls_where_there_is_tls(viewer: Person, settings: object) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 365 * 24 * 3600
    client = viewer.browser()
    answer = viewer.knock(client, headers={"X-Forwarded-Proto": "https"})
    for name in ("sessionid", "device"):
        assert answer.cookies[name]["httponly"], name
        assert answer.cookies[name]["secure"], name
        assert answer.cookies[name]["samesite"] == "Lax", name
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_an_unknown_account_takes_as_long_as_a_known_one(world: World) -> None:
    from django.contrib.auth.hashers import Argon2PasswordHasher

    tried: list[str] = []
    encode = Argon2PasswordHasher.encode
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Argon2PasswordHasher, "encode", lambda self, *a, **k: tried.append("x") or encode(self, *a, **k))
        Client().post("/login", {"username": "nobody@harbour.example", "password": "a guess"})
    assert tried == ["x"]


def test_what_is_typed_is_shown_as_text(visitor: Client) -> None:
    typed = '"><img src=x onerror=alert(1)>'
    for answer in (
        visitor.post("/login", {"username": typed, "password": "x", "next": typed}),
        visitor.post("/account/password/reset", {"email": typed}),
    ):
        assert "<img src=x" not in answer.content.decode()


@pytest.mark.parametrize("typed", ["a\x00b", "x" * 5000, "\ud800"])
def test_odd_text_is_refused_without_an_error(typed: str, visitor: Client) -> None:
    sent = typed.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    assert visitor.post("/login", {"username": sent, "password": sent}).status_code == 200
    assert visitor.post("/account/password/reset", {"email": sent}).status_code == 200
