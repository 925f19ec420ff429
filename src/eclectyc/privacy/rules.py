"""How long each category of data is kept: by default, by the installation's rule or by an organisation's own.

An organisation without a rule of its own has that of the nearest organisation above it with one, else the
installation's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.audit.record import record
from eclectyc.kernel.data_protection import RetentionCategory
from eclectyc.kernel.errors import Forbidden, Invalid
from eclectyc.privacy.data_categories import categories, category_named
from eclectyc.privacy.models import OrganisationRule, RetentionRule

MOST_DAYS: Final = 36_500


@dataclass(frozen=True, slots=True)
class EffectiveRule:
    """How long a category is kept. days : None for ever. of : the organisation whose rule it is; None if it is the
    installation's or the default."""

    kind: RetentionCategory
    days: int | None
    is_default: bool
    of: int | None = None


@dataclass(frozen=True, slots=True)
class RuleScope:
    """A retention period of these organisations, or of all but these."""

    days: int | None
    organisations: frozenset[int]
    is_rest: bool


def rules(organisation: Organisation | None = None) -> list[EffectiveRule]:
    """Return the rule in effect for every category, for the installation or an organisation. Two queries."""
    own = dict(RetentionRule.objects.values_list("kind", "days"))
    line = organisation.ancestry if organisation is not None else []
    found = OrganisationRule.objects.filter(organisation__in=line).values_list("organisation", "kind", "days")
    theirs = {(number, kind): days for number, kind, days in found}
    return [_rule(kind, own, theirs, line) for kind in categories()]


def _rule(
    kind: RetentionCategory,
    own: dict[str, int | None],
    theirs: dict[tuple[int, str], int | None],
    line: list[int],
) -> EffectiveRule:
    for number in reversed(line):
        if kind.is_of_organisations and (number, kind.name) in theirs:
            return EffectiveRule(kind, theirs[number, kind.name], is_default=False, of=number)
    return EffectiveRule(kind, own.get(kind.name, kind.default_days), is_default=kind.name not in own)


def rule_scopes() -> dict[str, list[RuleScope]]:
    """Return the retention periods of each category and the organisations they apply to; the rest comes last."""
    own = dict(RetentionRule.objects.values_list("kind", "days"))
    theirs = {(o, k): d for o, k, d in OrganisationRule.objects.values_list("organisation", "kind", "days")}
    lines = [o.ancestry for o in Organisation.objects.only("path")] if theirs else []
    found: dict[str, list[RuleScope]] = {}
    for kind in categories():
        claimed: dict[int | None, set[int]] = {}
        for line in lines:
            rule = _rule(kind, own, theirs, line)
            if rule.of is not None:
                claimed.setdefault(rule.days, set()).add(line[-1])
        parts = [RuleScope(days, frozenset(numbers), is_rest=False) for days, numbers in claimed.items()]
        rest = frozenset[int]().union(*claimed.values())
        found[kind.name] = [*parts, RuleScope(own.get(kind.name, kind.default_days), rest, is_rest=True)]
    return found


def set_rule(actor: Actor, *, kind: str, days: int | None, organisation: Organisation | None = None) -> EffectiveRule:
    """Set how long a category is kept; None: for ever.

    Operators set the installation's rules. Administrators with ``privacy.run`` in the whole of an organisation set its
    own, which also apply below it unless an organisation there has one.
    """
    known = _changeable(actor, kind, organisation)
    if days is not None and not known.least_days <= days <= MOST_DAYS:
        raise Invalid(
            f"{known.title} can be kept for {known.least_days} to {MOST_DAYS:,} days.",
            "Give a number in this range.",
            field="days",
        )
    with transaction.atomic():
        before = rule_of(kind, organisation)
        if organisation is None:
            RetentionRule.objects.update_or_create(kind=kind, defaults={"days": days})
        else:
            OrganisationRule.objects.update_or_create(kind=kind, organisation=organisation, defaults={"days": days})
        _record(actor, organisation, {kind: before.days}, {kind: days})
    return EffectiveRule(known, days, is_default=False, of=organisation.pk if organisation is not None else None)


def remove_rule(actor: Actor, *, kind: str, organisation: Organisation | None = None) -> EffectiveRule:
    """Remove a rule; return the one that applies instead."""
    _changeable(actor, kind, organisation)
    with transaction.atomic():
        before = rule_of(kind, organisation)
        if organisation is None:
            gone, _ = RetentionRule.objects.filter(kind=kind).delete()
        else:
            gone, _ = OrganisationRule.objects.filter(kind=kind, organisation=organisation).delete()
        after = rule_of(kind, organisation)
        if gone:
            _record(actor, organisation, {kind: before.days}, {kind: after.days})
    return after


def rule_of(kind: str, organisation: Organisation | None = None) -> EffectiveRule:
    return next(rule for rule in rules(organisation) if rule.kind.name == kind)


def _changeable(actor: Actor, kind: str, organisation: Organisation | None) -> RetentionCategory:
    if organisation is not None:
        actor.require("privacy.run", organisation.pk)
    elif not actor.is_full_operator:
        raise Forbidden("Only an operator can change retention.", "Ask the operator of this installation.")
    known = category_named(kind)
    if organisation is not None and not known.is_of_organisations:
        raise Invalid(
            f"{known.title} have one rule for the whole installation.", "Ask its operator to change it.", field="kind"
        )
    return known


def _record(
    actor: Actor, organisation: Organisation | None, before: dict[str, int | None], after: dict[str, int | None]
) -> None:
    number = organisation.pk if organisation is not None else None
    record(actor.by, "retention.changed", organisation, organisation_id=number, before=before, after=after)
