"""People who sign in, and the codes of their phones (RFC 6238, implemented independently)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import Client

from eclectyc.accounts.models import User

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def code_of(secret: str, at_s: float | None = None) -> str:
    """Return the six digits that an authenticator app shows for a base32 secret."""
    key = base64.b32decode(secret.replace(" ", ""))
    moment = struct.pack(">Q", int((time.time() if at_s is None else at_s) // 30))
    digest = hmac.new(key, moment, hashlib.sha1).digest()
    offset = digest[-1] & 0xF
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def secret_in(page: str) -> str:
    """Return the key that the set-up page offers to type."""
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page)
    assert found, "the page shows no key"
    return found[1].replace(" ", "")


@dataclass
class Person:
    """A person with a password, and a phone once they have set it up."""

    user: User
    password: str
    secret: str = ""
    last_code: str = ""

    def browser(self, **extra: Any) -> Client:
        """Return a browser without a sign-in."""
        return Client(raise_request_exception=False, headers={"User-Agent": FIREFOX}, **extra)

    def knock(self, client: Client, password: str | None = None, **extra: Any) -> HttpResponse:
        """Give the address and the password, or another."""
        form = {"username": self.user.email, "password": self.password if password is None else password}
        return client.post("/login", form, **extra)

    def enter(self, client: Client | None = None) -> Client:
        """Sign in, with the second factor if there is one."""
        client = client or self.browser()
        answer = self.knock(client)
        if answer.headers.get("Location") == "/login/code":
            answer = client.post("/login/code", {"code": self.code()})
        assert answer.status_code == 302, answer.content.decode()
        return client

    def code(self) -> str:
        """Return a code that was not used yet."""
        for later_s in (0, 30, -30):  # one either way is taken, for clocks are not exact
            code = code_of(self.secret, time.time() + later_s)
            if code != self.last_code:
                self.last_code = code
                return code
        raise AssertionError("no code is left")

    def set_up(self, client: Client) -> HttpResponse:
        """Set up the second factor in a browser that is signed in."""
        self.secret = secret_in(client.get("/account/second-factor/set-up").content.decode())
        return client.post("/account/second-factor/set-up", {"code": self.code()})
