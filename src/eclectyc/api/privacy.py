"""Your consents and data; other people's data, for those with the right; retention."""

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
    organisation: Number | None = Field(
        None, description="The rules in effect for this organisation; by default the installation's."
    )


class ChangedRule(Body):
    kind: Text
    days: int | None = Field(None, description="Null: without end. Left out: the inherited rule applies again.")
    organisation: Number | None = Field(
        None, description="For this one and all below it; by default for the installation."
    )


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
    """The consents that you gave, and those that you can give."""
    return _consents(request)


@router.post("/privacy/consents", response={200: ConsentsOut, **CHANGING}, summary="Give a consent")
def give_consent(request: HttpRequest, body: GivenConsent) -> ConsentsOut:
    """In its present wording. With a session only: a program cannot consent for a person."""
    consents.give(actor_of(request), what=body.what)
    return _consents(request)


@router.delete("/privacy/consents/{what}", response={204: None, **CHANGING}, summary="Withdraw a consent")
def withdraw_consent(request: HttpRequest, what: str) -> Status[None]:
    """The record of the consent stays."""
    consents.withdraw(actor_of(request), what=what)
    return Status(204, None)


@router.get(
    "/users/{pk}/personal-data", response={200: None, **ONE}, summary="Export a person's data", openapi_extra=_ZIP
)
def personal_data(request: HttpRequest, pk: Path[Number]) -> HttpResponse:
    """All data about a person as a ZIP of JSON and CSV: your own with a session or, with `privacy.run`, that of
    people whose memberships are all within your scope."""
    actor = actor_of(request)
    packed = data_of_person.export(actor, user=one(User.objects.visible_to(actor), pk, "user"))
    response = HttpResponse(packed, content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="personal-data-{pk}.zip"'
    return response


@router.post("/users/{pk}/erase", response={200: ErasedOut, **CHANGING}, summary="Erase a person")
def erase(request: HttpRequest, pk: Path[Number]) -> ErasedOut:
    """Cannot be undone. Their actions stay, under a pseudonym. Refused for an organisation's last administrator."""
    actor = actor_of(request)
    erased = erasure.erase(actor, user=one(User.objects.visible_to(actor), pk, "user"))
    return ErasedOut(pseudonym=erased.pseudonym, is_wiped=erased.is_wiped)


@router.get("/privacy/retention", response={200: Rules, **REFUSALS}, summary="List retention rules")
def list_rules(request: HttpRequest, asked: Query[RulesAsked]) -> Rules:
    """The rule of each category of data, for the installation or an organisation; null: without end."""
    actor = actor_of(request)
    require_somewhere(actor, "privacy.run", "system.view")
    found = [_rule(rule, actor) for rule in rules.rules(_whose(actor, asked.organisation))]
    return Rules(items=found, count=len(found))


@router.put("/privacy/retention", response={200: Rule, **CHANGING}, summary="Set a retention rule")
def change_rule(request: HttpRequest, body: ChangedRule) -> Rule:
    """For an organisation with `privacy.run` in the whole of it, for the categories that organisations have;
    for the installation, operators only."""
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
    """Return a rule; an organisation above that the actor does not reach is not named."""
    known = rule.of if rule.of is None or actor.may("privacy.run", rule.of) else None
    return Rule(
        kind=rule.kind.name,
        what=rule.kind.title,
        where=rule.kind.where,
        days=rule.days,
        is_default=rule.is_default,
        organisation=known,
        is_of_organisations=rule.kind.is_of_organisations,
    )


def _consents(request: HttpRequest) -> ConsentsOut:
    user = actor_of(request).user_id
    if user is None:
        raise Forbidden("Only a person can consent.", "Sign in.")
    items = [
        ConsentOut(
            what=s.purpose.what,
            words=s.purpose.words,
            version=s.purpose.version,
            is_given=s.is_given,
            given_at=s.given_at,
            given_version=s.version,
        )
        for s in consents.consent_statuses(user)
    ]
    return ConsentsOut(items=items, count=len(items))
