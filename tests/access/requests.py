"""From an entry of the matrix to requests: addresses filled with a side's own things, another's, or none there are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any, ClassVar, Final

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers import wsgi
from django.db import connection, transaction
from django.http import HttpResponse, QueryDict
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.access.two_sides import MISSING, Side, Sides

API: Final = "/api/"
# What a word in an address or a body names: by itself, or by the word before it.
SAID_BY: Final = {
    "regions": "region", "suppliers": "supplier", "sites": "site", "organisations": "organisation", "users": "user",
    "people": "user", "memberships": "membership", "roles": "role", "invitations": "invitation", "tokens": "token",
    "devices": "device", "multipliers": "multiplier", "corrections": "correction", "placements": "placement",
    "calorific-values": "calorific_value",
    "metrics": "metric", "sessions": "session", "meters": "meter",
    "imports": "batch", "batches": "batch", "files": "upload", "feeds": "feed", "jobs": "job", "schedules": "schedule",
    "import-profiles": "profile", "profiles": "profile",
    "organisation": "organisation", "invitation": "link",
}  # fmt: skip
NAMED: Final = frozenset(
    [
        "organisation",
        "site",
        "region",
        "supplier",
        "parent",
        "user",
        "meter",
        "role",
        "custom_role",
        "membership",
        "invitation",
        "token",
        "mpan",
    ]
)


PLAIN: Final = frozenset({"pk", "number", "token"})  # holes that are called by no kind of thing


@dataclass(frozen=True, slots=True)
class Question:
    """A request as the table writes it, with the things it names still to be filled in."""

    method: str
    address: str  # /api/sites/{pk}, /sites/<int:pk>
    body: Any = None
    is_api: bool = True

    @property
    def holes(self) -> list[tuple[str, str]]:
        """What the address names: each hole and the kind of thing that fills it."""
        found, before = [], ""
        for part in self.address.split("/"):
            holes = re.findall(r"([{<](?:\w+:)?(\w+)[}>])", part)
            found += [(hole, SAID_BY.get(before, name) if name in PLAIN else name) for hole, name in holes]
            before = before if holes else part
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and with how many queries."""

    status: int
    text: str
    queries: int
    headers: dict[str, str]


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what happens within."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def url_of(question: Question, side: Side, **instead: Any) -> str:
    """Fill an address with a side's things, or with what is given for a kind of them."""
    address = question.address
    for hole, kind in question.holes:
        address = address.replace(hole, str(instead[kind] if kind in instead else side.number(kind)), 1)
    return address


def missing(kind: str) -> Any:
    """Return what names nothing anywhere: like the others, but for being missing."""
    return "1000000000068" if kind in ("mpan",) else MISSING


def body_of(body: Any, side: Side) -> Any:
    """Return a body with ``$site`` become a side's site's number."""
    if isinstance(body, dict):
        return {key: body_of(value, side) for key, value in body.items()}
    if isinstance(body, list):
        return [body_of(value, side) for value in body]
    return side.number(body[1:]) if isinstance(body, str) and body.startswith("$") else body


_asked = count()  # each from an address of its own: what is throttled by address is tried elsewhere


def ask(client: Client, question: Question, url: str, body: Any = None, **headers: str) -> Answer:
    """Send a request; roll back what it changed."""
    send: dict[str, Any] = {"headers": headers, "REMOTE_ADDR": f"10.1.{next(_asked) % 250}.{next(_asked) % 250}"}
    cookies = deepcopy(client.cookies)
    if question.method != "GET":
        files = [name for name, value in (body or {}).items() if isinstance(value, bytes)]
        if files:
            send["data"] = {n: SimpleUploadedFile("../x.png", v) if n in files else v for n, v in body.items()}
        elif question.is_api:
            send |= {"data": json.dumps(body or {}), "content_type": "application/json"}
        elif body:
            send["data"] = body
    queries: list[str] = []

    def counted(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        queries.append(sql)
        return execute(sql, *rest)

    with undone(), connection.execute_wrapper(counted):
        response = getattr(client, question.method.lower())(url, **send)
        text = text_of(response)
    client.cookies = cookies
    return Answer(response.status_code, text, len(queries), dict(response.headers.items()))


def text_of(response: HttpResponse) -> str:
    """Return an answer's text, or a workbook's cells."""
    content = b"".join(response) if response.streaming else response.content
    if content[:2] == b"PK":
        import io
        import zipfile

        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return "\n".join(packed.read(name).decode("utf-8", "replace") for name in packed.namelist())
    return content.decode("utf-8", "replace") + response.headers.get("Location", "")


_PASSING: Final = re.compile(
    r'name="csrfmiddlewaretoken" value="\w+"|data-csrf="\w+"|X-CSRFToken&quot;: &quot;\w+|csrf[\w-]*["\': =]+\w{32,}'
    r"|<code>[0-9A-F]{8}</code>"
    r"|\"generated_at\": \"[^\"]*\""
)


def plain(answer: Answer, *sent: object) -> str:
    """Return an answer's text without what was sent, and without what is new in each answer."""
    text = _PASSING.sub("", answer.text)
    for value in sorted({str(v) for v in sent}, key=len, reverse=True):
        text = text.replace(value, "#")
    return text


def routes(patterns: list[Any] | None = None, before: str = "/") -> Iterator[str]:
    """Every address of the URL map."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield re.sub(r"\(\?P<(\w+)>[^()]*\)", r"<\1>", route.replace("^", "").removesuffix("$"))


@cache
def description() -> dict[str, Any]:
    """The API's own description."""
    from eclectyc.api.routes import api

    described: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(), default=str))
    return described


def operations() -> dict[str, dict[str, Any]]:
    """Every operation of the API by its method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in description()["paths"].items()
        for method, operation in methods.items()
    }


def asked_of(operation: dict[str, Any]) -> list[str]:
    """The query parameters of an operation."""
    return [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]


def sent_to(operation: dict[str, Any]) -> dict[str, Any]:
    """The properties of an operation's body."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        if "$ref" in schema:
            schema = description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        properties: dict[str, Any] = schema.get("properties", {})
        return properties
    return {}


def text_asked_of(operation: dict[str, Any]) -> list[str]:
    """The query parameters of an operation that take any words."""
    found = [p for p in operation.get("parameters", []) if p["in"] == "query"]
    return [p["name"] for p in found if _takes_words(p["schema"])]


def _takes_words(schema: dict[str, Any]) -> bool:
    kinds = [schema, *schema.get("anyOf", [])]
    return any(kind.get("type") == "string" and not {"enum", "const", "format"} & set(kind) for kind in kinds)


class Heard(QueryDict):
    """What an address asks, noting each name that is looked up."""

    names: ClassVar[set[str]] = set()

    def __getitem__(self, key: str) -> Any:
        self.names.add(key)
        return super().__getitem__(key)

    def getlist(self, key: str, default: Any = None) -> Any:
        self.names.add(key)
        return super().getlist(key, default)

    def __contains__(self, key: object) -> bool:
        self.names.add(str(key))
        return super().__contains__(key)


def read_by(client: Client, question: Question, url: str) -> frozenset[str]:
    """The parameters that a page looks up in its address."""
    Heard.names.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wsgi, "QueryDict", Heard)
        ask(client, question, url)
    return frozenset(Heard.names)


def clients(sides: Sides) -> dict[str, Client]:
    """A client for each kind of asker."""
    from tests.access.two_sides import NAMES

    return {name: sides.client(name) for name in NAMES}
