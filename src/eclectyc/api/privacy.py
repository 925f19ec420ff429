"""One's consents and data; what is held about others, for those who may deal with it; how long things are kept."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from ninja.responses import Status
from pydantic import Field

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation, User
from eclectyc.api.authentication import actor_of
from eclectyc.api.requests import CHANGING, ONE, REFUSALS, Body, Number, one, require_somewhere
from eclectyc.api.schemas import Parameters, Text
from eclectyc.kernel.errors import Forbidden
from eclectyc.privacy import consents, erasure, rules
from eclectyc.privacy import personal_data as data_of_person

router = Router(tags=["privacy"])
_ZIP = {"responses": {200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}}}


class ConsentOut(Schema):
    what: str
    words: str
    version: str
    is_given: bool
    given_at: datetime | None
    given_version: str


class ConsentsOut(Schema):
    items: list[ConsentOut]
    count: int


class GivenConsent(Body):
    what: Text


class RulesAsked(Parameters):
    organisation: Number | None = Field(None, description="As they hold for this one; else the installation's.")


class ChangedRule(Body):
    kind: Text
    days: int | None = Field(None, description="Null: for ever. Left out: the rule above holds again.")
    organisation: Number | None = Field(None, description="Of this one and all below it; else the installation's.")


class Rule(Schema):
    kind: str
    what: str
    where: str
    days: int | None
    is_default: bool
    organisation: int | None = Field(description="Whose rule it is; null: the installation's, or the default.")
    is_of_organisations: bool = Field(description="Whether an organisation can have a rule of its own.")


class Rules(Schema):
    items: list[Rule]
    count: int


class ErasedOut(Schema):
    pseudonym: str
    is_wiped: bool


@router.get("/privacy/consents", response={200: ConsentsOut, **REFUSALS}, summary="Your consents")
def list_consents(request: HttpRequest) -> ConsentsOut:
    """To what you agreed, and to what you can."""
    return _consents(request)


@router.post("/privacy/consents", response={200: ConsentsOut, **CHANGING}, summary="Agree to something")
def give_consent(request: HttpRequest, body: GivenConsent) -> ConsentsOut:
    """As it is worded now. With a session only: no program agrees for a person."""
    consents.give(actor_of(request), what=body.what)
    return _consents(request)


@router.delete("/privacy/consents/{what}", response={204: None, **CHANGING}, summary="Withdraw a consent")
def withdraw_consent(request: HttpRequest, what: str) -> Status[None]:
    """The record that it was given stays."""
    consents.withdraw(actor_of(request), what=what)
    return Status(204, None)


@router.get("/users/{pk}/personal-data", response={200: None, **ONE}, summary="All about a person", openapi_extra=_ZIP)
def personal_data(request: HttpRequest, pk: Path[Number]) -> HttpResponse:
    """Everything that is held about a person, as a ZIP of JSON and CSV: your own with a session, or with
    `privacy.run` that of people all of whose memberships lie within your scope."""
    actor = actor_of(request)
    packed = data_of_person.export(actor, user=one(User.objects.visible_to(actor), pk, "user"))
    response = HttpResponse(packed, content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="personal-data-{pk}.zip"'
    return response


@router.post("/users/{pk}/erase", response={200: ErasedOut, **CHANGING}, summary="Erase a person")
def erase(request: HttpRequest, pk: Path[Number]) -> ErasedOut:
    """For good. What they did stays, under a pseudonym. The last administrator of an organisation is refused."""
    actor = actor_of(request)
    erased = erasure.erase(actor, user=one(User.objects.visible_to(actor), pk, "user"))
    return ErasedOut(pseudonym=erased.pseudonym, is_wiped=erased.is_wiped)


@router.get("/privacy/retention", response={200: Rules, **REFUSALS}, summary="How long things are kept")
def list_rules(request: HttpRequest, asked: Query[RulesAsked]) -> Rules:
    """The rule of each kind of data, for the installation or an organisation; null: for ever."""
    actor = actor_of(request)
    require_somewhere(actor, "privacy.run", "system.view")
    found = [_rule(rule, actor) for rule in rules.rules(_whose(actor, asked.organisation))]
    return Rules(items=found, count=len(found))


@router.put("/privacy/retention", response={200: Rule, **CHANGING}, summary="Say how long something is kept")
def change_rule(request: HttpRequest, body: ChangedRule) -> Rule:
    """For an organisation with `privacy.run` in the whole of it, for those kinds that organisations have; for the
    installation an operator's task."""
    actor = actor_of(request)
    owner = _whose(actor, body.organisation)
    if "days" in body.given():
        changed = rules.set_rule(actor, kind=body.kind, days=body.days, organisation=owner)
    else:
        changed = rules.remove_rule(actor, kind=body.kind, organisation=owner)
    return _rule(changed, actor)


def _whose(actor: Actor, number: int | None) -> Organisation | None:
    visible = Organisation.objects.visible_to(actor)
    return None if number is None else one(visible, number, "organisation", field="organisation")


def _rule(rule: rules.EffectiveRule, actor: Actor) -> Rule:
    """Return a rule as it is told; an organisation above that the actor does not reach is told to nobody."""
    known = rule.of if rule.of is None or actor.may("privacy.run", rule.of) else None
    return Rule(kind=rule.kind.name, what=rule.kind.title, where=rule.kind.where, days=rule.days,
                is_default=rule.is_default, organisation=known,
                is_of_organisations=rule.kind.is_of_organisations)  # fmt: skip


def _consents(request: HttpRequest) -> ConsentsOut:
    user = actor_of(request).user_id
    if user is None:
        raise Forbidden("Only a person has consents.", "Sign in.")
    items = [
        ConsentOut(what=s.purpose.what, words=s.purpose.words, version=s.purpose.version, is_given=s.is_given,
                   given_at=s.given_at, given_version=s.version)
        for s in consents.consent_statuses(user)
    ]  # fmt: skip
    return ConsentsOut(items=items, count=len(items))
