"""Brute force against two real servers of one installation: together they allow no more attempts than one.

On SQLite they share a home; on PostgreSQL they are two machines, each with a home of its own and copies of the keys.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.tokens import create_token
from tests import needs
from tests.factories import World, make_world
from tests.forked import Forked
from tests.serving import BIN, Served, _wait_for, end_group, free_port, plain_environment, registry_url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def both(served: Served, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The addresses of two servers over the test's registry."""
    port, log, home = free_port(), tmp_path / "second.log", served.home
    if needs.on_postgresql():
        home = tmp_path / "second machine"
        home.mkdir(mode=0o700)
        for name in ("secret_key", "audit.key", "vault.key"):
            if (served.home / name).exists():
                shutil.copy(served.home / name, home / name)
    command = [str(BIN / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
               "--workers", "1", "--blocking-threads", "4", "eclectyc.wsgi:application"]  # fmt: skip
    with log.open("w") as output:
        environment = plain_environment(home, registry_url())
        second = Forked(command, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/health", second, log)
        yield served.url, f"http://127.0.0.1:{port}"
    finally:
        end_group(second)


def post(url: str, address: str, form: dict[str, str]) -> int:
    """Post a form as a browser would that has never been there."""
    with requests.Session() as browser:
        browser.get(f"{url}{address}", timeout=30)
        form = form | {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        return browser.post(f"{url}{address}", data=form, allow_redirects=False, timeout=30).status_code


def test_two_servers_count_password_attempts_together(both: tuple[str, str]) -> None:
    world: World = make_world()
    email = world.viewer.email
    with ThreadPoolExecutor(6) as guessers:
        guesses = guessers.map(
            lambda k: post(both[k % 2], "/login", {"username": email, "password": f"guess {k}"}), range(24)
        )
    assert Counter(guesses) == {200: 10, 429: 14}
    right = {"username": email, "password": world.password}
    assert [post(url, "/login", right) for url in both] == [429, 429]
    with ThreadPoolExecutor(6) as guessers:
        resets = guessers.map(lambda k: post(both[k % 2], "/account/password/reset", {"email": email}), range(8))
    assert Counter(resets) == {302: 3, 429: 5}


def test_two_servers_count_invalid_tokens_together(both: tuple[str, str]) -> None:
    world: World = make_world()
    _, good = create_token(Actor.of(world.viewer), user=world.viewer, name="meter room")

    def ask(k: int, token: str = "") -> int:
        header = {"Authorization": f"Bearer {token or f'ecl_{k:043}'}"}
        return requests.get(f"{both[k % 2]}/api/meters", headers=header, timeout=30).status_code

    with ThreadPoolExecutor(6) as guessers:
        counted = Counter(guessers.map(ask, range(40)))
    assert counted == {401: 30, 429: 10}
    assert [ask(0, good), ask(1, good)] == [200, 200]
