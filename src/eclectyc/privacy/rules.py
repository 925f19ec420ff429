"""How long each kind of data is kept: a default, the installation's rule, and, where an organisation has one, its own.

An organisation without a rule of its own takes that of the nearest one above it which has one, then the installation's.
Only kinds that belong to organisations can have rules of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.audit.record import record
from eclectyc.kernel.errors import Forbidden, Invalid
from eclectyc.privacy.data_categories import KINDS, Kind, kind_named
from eclectyc.privacy.models import OrganisationRule, RetentionRule

MOST_DAYS: Final = 36_500


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind with the time that holds. ``days`` of None: for ever. ``of`` is the organisation whose rule it is; None:
    the installation's, or, where ``is_default``, nobody's."""

    kind: Kind
    days: int | None
    is_default: bool
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """A time that holds for some: for these organisations, or for all else but these."""

    days: int | None
    organisations: frozenset[int]
    is_rest: bool


def rules(organisation: Organisation | None = None) -> list[Rule]:
    """Return the rule of every kind, as it holds for the installation or for one organisation: two queries."""
    own = dict(RetentionRule.objects.values_list("kind", "days"))
    line = organisation.ancestry if organisation is not None else []
    theirs = {(o, k): d for o, k, d in OrganisationRule.objects.filter(organisation__in=line).values_list(
        "organisation", "kind", "days")}  # fmt: skip
    return [_rule(kind, own, theirs, line) for kind in KINDS]


def _rule(kind: Kind, own: dict[str, int | None], theirs: dict[tuple[int, str], int | None], line: list[int]) -> Rule:
    for number in reversed(line):
        if kind.is_of_organisations and (number, kind.name) in theirs:
            return Rule(kind, theirs[number, kind.name], is_default=False, of=number)
    return Rule(kind, own.get(kind.name, kind.days), is_default=kind.name not in own)


def shares() -> dict[str, list[Share]]:
    """Return, for each kind, which time holds for which organisations; the rest, which none claims, comes last."""
    own = dict(RetentionRule.objects.values_list("kind", "days"))
    theirs = {(o, k): d for o, k, d in OrganisationRule.objects.values_list("organisation", "kind", "days")}
    lines = [o.ancestry for o in Organisation.objects.only("path")] if theirs else []
    found: dict[str, list[Share]] = {}
    for kind in KINDS:
        claimed: dict[int | None, set[int]] = {}
        for line in lines:
            rule = _rule(kind, own, theirs, line)
            if rule.of is not None:
                claimed.setdefault(rule.days, set()).add(line[-1])
        parts = [Share(days, frozenset(numbers), is_rest=False) for days, numbers in claimed.items()]
        rest = frozenset[int]().union(*claimed.values())
        found[kind.name] = [*parts, Share(own.get(kind.name, kind.days), rest, is_rest=True)]
    return found


def set_rule(actor: Actor, *, kind: str, days: int | None, organisation: Organisation | None = None) -> Rule:
    """Say how long a kind of data is kept; None: for ever.

    For the installation it is an operator's task; for an organisation, with all below it that have no rule of their
    own, its administrators' (``privacy.run`` in the whole of it).
    """
    known = _changeable(actor, kind, organisation)
    if days is not None and not known.least <= days <= MOST_DAYS:
        raise Invalid(f"{known.words} are kept for {known.least} to {MOST_DAYS:,} days.", "Give that.", field="days")
    with transaction.atomic():
        before = rule_of(kind, organisation)
        if organisation is None:
            RetentionRule.objects.update_or_create(kind=kind, defaults={"days": days})
        else:
            OrganisationRule.objects.update_or_create(kind=kind, organisation=organisation, defaults={"days": days})
        _note(actor, organisation, {kind: before.days}, {kind: days})
    return Rule(known, days, is_default=False, of=organisation.pk if organisation is not None else None)


def take_back(actor: Actor, *, kind: str, organisation: Organisation | None = None) -> Rule:
    """Let the rule above hold again: of the organisations above, of the installation, or the default. Return it."""
    _changeable(actor, kind, organisation)
    with transaction.atomic():
        before = rule_of(kind, organisation)
        if organisation is None:
            gone, _ = RetentionRule.objects.filter(kind=kind).delete()
        else:
            gone, _ = OrganisationRule.objects.filter(kind=kind, organisation=organisation).delete()
        after = rule_of(kind, organisation)
        if gone:
            _note(actor, organisation, {kind: before.days}, {kind: after.days})
    return after


def rule_of(kind: str, organisation: Organisation | None = None) -> Rule:
    """Return the rule that holds for a kind, in the installation or for an organisation."""
    return next(rule for rule in rules(organisation) if rule.kind.name == kind)


def _changeable(actor: Actor, kind: str, organisation: Organisation | None) -> Kind:
    if organisation is not None:
        actor.require("privacy.run", organisation.pk)
    elif not actor.stands_above:
        raise Forbidden("Retention is an operator's task.", "Ask whoever runs this installation.")
    known = kind_named(kind)
    if organisation is not None and not known.is_of_organisations:
        raise Invalid(
            f"{known.words} belong to the whole installation.", "Ask whoever runs it for another rule.", field="kind"
        )
    return known


def _note(
    actor: Actor, organisation: Organisation | None, before: dict[str, int | None], after: dict[str, int | None]
) -> None:
    number = organisation.pk if organisation is not None else None
    record(actor.by, "retention.changed", organisation, organisation_id=number, before=before, after=after)
