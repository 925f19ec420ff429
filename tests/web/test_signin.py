from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import World
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db


def test_an_address_in_any_case_and_its_password_open_the_door(visitor: Client, world: World) -> None:
    answer = visitor.post("/login", {"username": world.viewer.email.upper(), "password": world.password})
    assert (answer.status_code, answer.url) == (302, "/")
    assert visitor.get("/").status_code == 200


@pytest.mark.parametrize(("email", "password"), [("viewer@harbour.example", "wrong"), ("nobody@harbour.example", "x")])
def test_a_wrong_pair_is_not_told_which_half_was_wrong(
    email: str, password: str, visitor: Client, world: World
) -> None:
    answer = visitor.post("/login", {"username": email, "password": password})
    assert "Wrong email address or password." in text_of(answer)
    assert f'value="{email}"' in answer.content.decode()  # nothing typed is lost but the password
    assert visitor.get("/").status_code == 302


def test_an_empty_form_says_what_to_type(visitor: Client, world: World) -> None:
    said = text_of(visitor.post("/login", {}))
    assert "Enter your email address." in said
    assert "Enter your password." in said


def test_someone_who_is_no_longer_active_stays_outside(visitor: Client, world: World) -> None:
    world.viewer.is_active = False
    world.viewer.save()
    visitor.post("/login", {"username": world.viewer.email, "password": world.password})
    assert visitor.get("/").status_code == 302


@pytest.mark.parametrize("then", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(then: str, visitor: Client, world: World) -> None:
    answer = visitor.post("/login", {"username": world.viewer.email, "password": world.password, "next": then})
    assert answer.url == "/"


def test_signing_in_leads_back_to_the_page_that_was_asked_for(visitor: Client, world: World) -> None:
    wanted = visitor.get("/meters?q=12").url
    assert "next=/meters%3Fq%3D12" in wanted
    answer = visitor.post(
        "/login", {"username": world.viewer.email, "password": world.password, "next": "/meters?q=12"}
    )
    assert answer.url == "/meters?q=12"


def test_a_link_ends_nobodys_session_but_the_button_does(viewer: Client) -> None:
    assert viewer.get("/logout").status_code == 200
    assert viewer.get("/").status_code == 200
    answer = viewer.post("/logout")
    assert answer.url == "/login?left=1"
    assert viewer.get("/").status_code == 302
    assert "You have signed out." in text_of(viewer.get("/login?left=1"))


def test_the_form_needs_its_token(world: World) -> None:
    careful = Client(enforce_csrf_checks=True)
    answer = careful.post("/login", {"username": world.viewer.email, "password": world.password})
    assert answer.status_code == 403
    assert "This form has expired" in text_of(answer)
