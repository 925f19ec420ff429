"""Every page and every operation of the API, asked by each role, with their own things, another's, and none.

What is another's must be like what is not there: the same status, the same words, the same number of queries. And
no word of one organisation ever stands in an answer to the other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from copy import copy
from functools import cache
from typing import Any, Final

import pytest
from django.db import models
from django.test import Client

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Invitation, Role
from eclectyc.audit.record import record
from eclectyc.estate.models import Region, Site, Supplier
from tests.access.matrix import BODIES, FRESH, LOOKED_UP_LATER, PLAIN_PARAMETERS, QUERIES, ROWS
from tests.access.requests import (
    API,
    NAMED,
    Answer,
    Question,
    ask,
    asked_of,
    body_of,
    clients,
    missing,
    operations,
    plain,
    read_by,
    routes,
    sent_to,
    undone,
    url_of,
)
from tests.access.two_sides import HERE, NAMES, START, THERE, Side, Sides, marked_fields, models_of_ours, person
from tests.factories import make_meter

pytestmark = pytest.mark.django_db
DESCRIBED: Final = {
    API + name for name in ("", "docs", "openapi.json")
}  # of the API's addresses, these are no operations
INSIDERS: Final = ("viewer", "manager", "admin", "read")
OUTSIDE: Final = ("outsider", "narrowed", "expired")
KINDS: Final = frozenset({"organisation", "region", "site", "supplier", "meter", "user"})  # that a page's filter names
SEARCHES: Final = frozenset({"search", "q", "actor", "subject", "action", "site", "region", "supplier"})
REFUSED: Final = {"path": {401, 403, 404, 405}, "query": {200, 401, 403, 404, 422}, "body": {401, 403, 404, 422}}


def pages() -> list[str]:
    return [route for route in dict.fromkeys(routes()) if not route.startswith(API) or route in DESCRIBED]


def entries() -> list[str]:
    """What the table must have a row for, here and now."""
    return [*operations(), *(f"{method} {route}" for route in pages() for method in ("GET", "POST"))]


def question_of(entry: str) -> Question:
    method, address = entry.split(" ", 1)
    return Question(method, address, BODIES.get(entry), address.startswith(API))


def answers_in(entry: str) -> dict[str, int]:
    return dict(zip(NAMES, map(int, ROWS[entry].split()), strict=True))


@pytest.fixture(scope="module")
def asking(sides: Sides) -> dict[str, Client]:
    return clients(sides)


@cache
def _read_in(entry: str, asking: frozenset[tuple[str, Client]], url: str) -> frozenset[str]:
    return read_by(dict(asking)["admin"], question_of(entry), url)


def read_in(entry: str, sides: Sides, asking: dict[str, Client]) -> frozenset[str]:
    """What a page looks up in its address when the administrator opens it."""
    return _read_in(entry, frozenset(asking.items()), url_of(question_of(entry), sides.here))


# --- the table is whole ---------------------------------------------------------------------------------------------


def test_every_page_and_every_operation_has_its_row() -> None:
    there, stated = set(entries()), set(ROWS)
    assert not there - stated, f"say in tests/access/matrix.py who gets what: {sorted(there - stated)}"
    assert not stated - there, f"no longer there: {sorted(stated - there)}"


def test_every_address_of_the_api_is_described() -> None:
    described = {re.sub(r"[{<](?:\w+:)?\w+[}>]", "*", path.split(" ", 1)[1]) for path in operations()}
    mapped = {re.sub(r"<[^>]*>", "*", route) for route in routes() if route.startswith(API)} - DESCRIBED
    assert mapped == described


def test_every_parameter_names_a_thing_or_is_known_to_name_none() -> None:
    asked = {name for operation in operations().values() for name in asked_of(operation)}
    assert asked <= NAMED | PLAIN_PARAMETERS


def test_every_hole_of_an_address_can_be_filled(sides: Sides) -> None:
    for entry in entries():
        for side in (sides.here, sides.there):
            assert not re.search("[<{]", url_of(question_of(entry), side)), entry


def test_every_text_that_somebody_writes_carries_its_mark(sides: Sides) -> None:
    made = {type(thing): thing for thing in sides.there.things.values() if isinstance(thing, models.Model)}
    for model in models_of_ours():
        for column in marked_fields(model) if model in made else ():
            value = str(getattr(made[model], column.name))
            assert THERE.lower() in value.lower() or column.name in ("identifier", "email"), (model, column.name)


# --- own things -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", sorted(ROWS))
def test_everybody_gets_what_the_table_says(entry: str, sides: Sides, asking: dict[str, Client]) -> None:
    question, wanted = question_of(entry), answers_in(entry)
    url = url_of(question, sides.here) + (f"?{QUERIES[entry]}" if entry in QUERIES else "")
    got = {}
    for name, client in asking.items():
        answer = ask(client, question, url, body_of(question.body, sides.here))
        got[name] = answer.status
        tells_nothing_of(HERE if name in ("nobody", "outsider", "revoked") else THERE, answer, name, entry)
    assert got == wanted


def tells_nothing_of(mark: str, answer: Answer, persona: str, entry: str) -> None:
    if persona != "operator":
        at = answer.text.lower().find(mark.lower())
        assert at < 0, f"{entry} tells {persona}: …{answer.text[max(0, at - 80) : at + 40]}…"


def test_a_browser_without_a_session_is_sent_to_sign_in_from_the_documentation(asking: dict[str, Client]) -> None:
    answer = asking["nobody"].get("/api/docs", headers={"Accept": "text/html,*/*"})
    assert (answer.status_code, answer["Location"]) == (302, "/login?next=%2Fapi%2Fdocs")


def test_others_than_administrators_get_the_bare_health(asking: dict[str, Client]) -> None:
    for name in ("nobody", "viewer", "manager", "expired"):
        assert list(asking[name].get("/api/health").json()) == ["status"], name


# --- another's things -----------------------------------------------------------------------------------------------


def part_of(side: Side) -> Side:
    """The part of the first organisation that the narrowed token is left with."""
    part = copy(side)
    part.things = side.things | dict.fromkeys(("meter", "mpan", "parent"), side.things["meter2"])
    part.things["site"] = side.things["site2"]
    return part


def askers(entry: str, sides: Sides) -> Iterator[tuple[str, Side, Side]]:
    """Who asks, what is theirs, and what is another's to them."""
    wanted = answers_in(entry)
    for name in INSIDERS:
        yield name, sides.here, sides.there
    for name in OUTSIDE:
        own = sides.there if name == "outsider" else part_of(sides.here)
        if wanted[name] >= 400:
            yield name, own, sides.here


def both(client: Client, question: Question, pairs: list[tuple[str, Any]]) -> tuple[Answer, Answer]:
    """Ask for another's and for what is nowhere; where they differ, once more, now that all that is kept is kept."""
    theirs, nothing = (ask(client, question, *pair) for pair in pairs)
    if theirs.queries != nothing.queries:
        theirs, nothing = (ask(client, question, *pair) for pair in pairs)
    return theirs, nothing


def compare(client: Client, question: Question, where: str, said: str, pairs: list[tuple[str, Any, Any]]) -> None:
    """Ask for another's and for what is nowhere, and see no difference."""
    (_, _, value), (_, _, none) = pairs
    theirs, nothing = both(client, question, [(url, body) for url, body, _ in pairs])
    assert theirs.status == nothing.status, said
    signs_in = theirs.headers.get("Location", "").startswith("/login?")  # to a page no token is anything
    assert theirs.status in REFUSED[where] or signs_in, said
    assert plain(theirs, value, none) == plain(nothing, value, none), said
    assert theirs.queries == nothing.queries, said


@pytest.mark.parametrize("entry", [e for e in sorted(ROWS) if question_of(e).holes])
def test_in_an_address_what_is_anothers_is_like_what_is_not_there(
    entry: str, sides: Sides, asking: dict[str, Client]
) -> None:
    question = question_of(entry)
    query = f"?{QUERIES[entry]}" if entry in QUERIES else ""
    for name, own, foreign in askers(entry, sides):
        for _, kind in question.holes:
            if kind in ("provider_id", "uidb36", "key", "link", "what"):
                continue
            value, none, body = foreign.number(kind), missing(kind), body_of(question.body, own)
            pairs = [(url_of(question, own, **{kind: v}) + query, body, v) for v in (value, none)]
            compare(asking[name], question, "path", f"{name}: {entry} {kind}", pairs)


@pytest.mark.parametrize("entry", [e for e in sorted(ROWS) if e in operations() and e.startswith("GET ")])
def test_in_a_query_what_is_anothers_is_like_what_is_not_there(
    entry: str, sides: Sides, asking: dict[str, Client]
) -> None:
    question = question_of(entry)
    for name, own, foreign in askers(entry, sides):
        for param in NAMED & set(asked_of(operations()[entry])):
            kind = "organisation" if param == "parent" and "organisations" in entry else param
            kind = "mpan" if kind == "parent" else kind
            more = f"&{QUERIES[entry]}" if entry in QUERIES else ""
            pairs = [
                (f"{url_of(question, own)}?{param}={value}{more}", None, value)
                for value in (foreign.number(kind), missing(kind))
            ]
            compare(asking[name], question, "query", f"{name}: {entry}?{param}=", pairs)


def variants(entry: str, own: Side, foreign: Side) -> Iterator[tuple[str, Any, Any, Any]]:
    """Each thing that a body can name: what it is called, the body with another's, with none, and what was sent."""
    body = body_of(BODIES.get(entry, {}), own)
    for word in sorted(NAMED & set(sent_to(operations()[entry]))):
        if (entry, word) in LOOKED_UP_LATER:
            continue
        value, none = foreign.number(word), missing(word)
        value, none = (value, none) if word != "parent" or "meters" in entry else (foreign.number("organisation"), none)
        if word == "parent" and "meters" in entry:
            value = foreign.things["meter"].pk
        yield word, body | {word: value}, body | {word: none}, value
    if "/bulk/" in entry:
        kind = "meter" if "meters" in entry else "site"
        yield "ids", *(body | {"ids": [v]} for v in (foreign.number(kind), missing(kind))), foreign.number(kind)
        for word in ("organisation", "region") + (("site", "supplier") if kind == "meter" else ()):
            pair = (foreign.number(word), missing(word))
            yield f"filter.{word}", *({"filter": {word: v}, "change": body["change"]} for v in pair), pair[0]
        word = "supplier" if kind == "meter" else "region"
        yield (
            word,
            *({"ids": body["ids"], "change": {word: v}} for v in (foreign.number(word), missing(word))),
            (foreign.number(word)),
        )


@pytest.mark.parametrize("entry", [e for e in sorted(ROWS) if e in operations() and sent_to(operations()[e])])
def test_in_a_body_what_is_anothers_is_like_what_is_not_there(
    entry: str, sides: Sides, asking: dict[str, Client]
) -> None:
    question = question_of(entry)
    for name in ("viewer", "admin", "outsider", "narrowed"):
        own = {"outsider": sides.there, "narrowed": part_of(sides.here)}.get(name, sides.here)
        foreign = sides.there if name in ("viewer", "admin") else sides.here
        for word, theirs, none, value in variants(entry, own, foreign):
            if name == "narrowed" and word in (
                "user",
                "role",
                "custom_role",
                "supplier",
                "filter.supplier",
                "filter.organisation",
            ):
                continue
            url = url_of(question, own)
            pairs = [(url, theirs, value), (url, none, missing(word.removeprefix("filter.")))]
            where = "query" if word.startswith("filter.") else "body"  # a filter that finds nothing changes nothing
            compare(asking[name], question, where, f"{name}: {entry} {{{word}: …}}", pairs)


FIELD: Final = re.compile(r'<(?:input|select|textarea)\b[^>]*\bname="(\w+)"')


@pytest.mark.parametrize("entry", [e for e in sorted(ROWS) if e.startswith("POST /") and e not in operations()])
def test_in_a_form_what_is_anothers_is_like_what_is_not_there(
    entry: str, sides: Sides, asking: dict[str, Client]
) -> None:
    question = question_of(entry)
    url = url_of(question, sides.here)
    shown = ask(asking["admin"], Question("GET", question.address, is_api=False), url).text
    for word in sorted(NAMED & set(FIELD.findall(shown))):
        kind = {"parent": "meter"}.get(word, word)
        value, none = sides.there.number(kind), missing(kind)
        theirs, nothing = both(asking["admin"], question, [(url, {word: v}) for v in (value, none)])
        assert theirs.status == nothing.status, word
        assert plain(theirs, value, none) == plain(nothing, value, none), word
        assert theirs.queries == nothing.queries, word
        tells_nothing_of(THERE, theirs, "admin", f"{entry} {word}")


@pytest.mark.parametrize(
    "entry", [e for e in sorted(ROWS) if e.startswith("GET /") and e not in {*operations(), *FRESH}]
)
def test_in_a_pages_filters_what_is_anothers_is_like_what_is_not_there(
    entry: str, sides: Sides, asking: dict[str, Client]
) -> None:
    question = question_of(entry)
    url = url_of(question, sides.here)
    for kind in sorted(read_in(entry, sides, asking) & KINDS):
        for name in ("viewer", "admin"):
            if answers_in(entry)[name] != 200:
                continue
            value, none = sides.there.number(kind), missing(kind)
            theirs, nothing = both(asking[name], question, [(f"{url}?{kind}={v}", None) for v in (value, none)])
            assert (theirs.status, theirs.queries) == (nothing.status, nothing.queries), (name, kind)
            told = [text for v in (value, none) for text in (f"{kind}={v}", f'value="{v}"')]
            assert plain(theirs, *told) == plain(nothing, *told), (name, kind)


# --- nothing of the other, whatever is asked ------------------------------------------------------------------------


def searched(names: Collection[str], mark: str) -> list[str]:
    """Ways to look in a list for what is another's."""
    return [f"{name}={START[mark]}" for name in sorted(SEARCHES & set(names))]


def shown(entry: str, names: Collection[str]) -> Iterator[str]:
    """Every order and every form that a list has."""
    parameters = {p["name"]: p["schema"] for p in operations().get(entry, {}).get("parameters", [])}
    for name, values in (("sort", ["-name"]), ("format", ["csv", "xlsx"])):
        if name in names:
            yield from (f"{name}={value}" for value in parameters.get(name, {}).get("enum", values))


@pytest.mark.parametrize("entry", [e for e in sorted(ROWS) if e.startswith("GET ")])
def test_no_search_no_order_and_no_file_reveals_another(entry: str, sides: Sides, asking: dict[str, Client]) -> None:
    question, operation = question_of(entry), operations().get(entry)
    names = read_in(entry, sides, asking) if operation is None else asked_of(operation)
    forms = [{"Accept": "text/csv"}] if "text/csv" in str(operation) else []
    for name, mark, own in (
        ("viewer", THERE, sides.here), ("admin", THERE, sides.here), ("outsider", HERE, sides.there),
        ("expired", HERE + " name", sides.here),
    ):  # fmt: skip
        # One's own things without a question are asked for above, but for the outsider's.
        queries = [""] if question.holes and name in ("outsider", "expired") else []
        queries += [*searched(names, mark.split()[0]), *(shown(entry, names) if name in ("admin", "outsider") else ())]
        for query in queries:
            more = [QUERIES[entry]] if entry in QUERIES else []
            answer = ask(asking[name], question, f"{url_of(question, own)}?{'&'.join([query, *more])}")
            tells_nothing_of(mark, answer, name, f"{entry}?{query}")
            assert answer.status < 500 or entry == "GET /api/health"
        for headers in forms:
            answer = ask(asking[name], question, url_of(question, own), **headers)
            tells_nothing_of(mark, answer, name, f"{entry} as CSV")


@pytest.mark.parametrize(
    "entry", [e for e in sorted(ROWS) if e.startswith("GET ") and e not in {"GET /api/health", *FRESH}]
)
def test_no_answer_changes_with_what_another_has(entry: str, sides: Sides, asking: dict[str, Client]) -> None:
    """No count, no order and no chart reveals how much another has: the same answer after it has got twice as much."""
    question = question_of(entry)
    url = url_of(question, sides.here) + (f"?{QUERIES[entry]}" if entry in QUERIES else "")
    names = [name for name in ("admin", "narrowed") if answers_in(entry)[name] == 200]
    if not names:
        return
    ask(asking[names[0]], question, url)  # takes in what waits for the audit, where it does that
    before = {name: ask(asking[name], question, url) for name in names}
    with undone():
        furnish_more(sides.there)
        after = {name: ask(asking[name], question, url) for name in names}
    for name in names:
        assert plain(after[name]) == plain(before[name]), name
        assert after[name].queries == before[name].queries, name


def furnish_more(side: Side) -> None:
    """Give a side a little more of everything, in front of all in any order."""
    org = side.things["organisation"]
    region = Region.objects.create(organisation=org, name="  0 first")
    site = Site.objects.create(organisation=org, region=region, name="  0 first", site_type="office")
    Supplier.objects.create(organisation=org, name="  0 first")
    for identifier in ("0000000", "ZZZZZZZ"):
        make_meter(site, identifier, utility="water")
    Role.objects.create(organisation=org, name="  0 first", permissions=["estate.view"])
    user = person("aaa", "aaa", org)
    Invitation.objects.create(
        organisation=org, email="a@a.example", digest="more", expires_at=side.things["invitation"].expires_at
    )
    record(Actor.of(side.things["admin"]).by, "site.changed", site, organisation_id=org.pk, person_id=user.pk)
