"""Parse a formula: ``A + B - 0.5 * C`` becomes its terms. Pure; nothing is ever evaluated as code.

Allowed: ``+ - * /``, parentheses, signs, numbers, meters (see :mod:`.tokens`), and a meter's quantity after a point:
``A.export``. Only sums of meters times numbers have a meaning slot by slot in the same unit: a meter times a meter, a
number divided by a meter, and a number added to a meter are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from eclectyc.estate.formula.terms import MOST_DIGITS, OWN, Term
from eclectyc.estate.formula.tokens import END, METER, NUMBER, QUANTITY, Token, fault, tokens
from eclectyc.kernel.errors import Invalid

LONGEST: Final = 2000  # characters
DEEPEST: Final = 20  # parentheses and signs, one in the other
MOST_TERMS: Final = 100
QUANTITIES: Final = ("import", "export", "reactive_import", "reactive_export", "volume")

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Sum:
    """A number, or meters times factors; never both. at : where it begins in the text."""

    at: int
    number: Fraction
    meters: dict[_Key, Fraction]

    def times(self, factor: Fraction) -> _Sum:
        return _Sum(self.at, self.number * factor, {key: own * factor for key, own in self.meters.items()})


def parse(text: str) -> tuple[Term, ...]:
    """Return the terms of a formula in the order in which their meters are first named.

    Raises ``Invalid`` with the character, and what to write instead.

    >>> [(term.meter, str(term.factor)) for term in parse("A + B − (C / 3 - 0.5 × A)")]
    [('A', '3/2'), ('B', '1'), ('C', '-1/3')]
    """
    if not text.strip():
        raise Invalid("The formula is empty.", "Write one, such as A + B - C.", field="formula")
    if len(text) > LONGEST:
        reason = f"The formula has {len(text):,} characters; at most {LONGEST:,} are allowed."
        raise Invalid(reason, "Make part of it a virtual meter, and use that one.", field="formula")
    found = _Parser(tokens(text)).whole()
    if not found.meters:
        raise fault(
            found.at, "there is no meter in this formula.", 'Name one. Quote an identifier of few digits: "42".'
        )
    if len(found.meters) > MOST_TERMS:
        raise Invalid(
            f"The formula has {len(found.meters)} meters; at most {MOST_TERMS} are allowed.",
            "Make some of them a virtual meter, and use that one.",
            field="formula",
        )
    return tuple(_term(key, factor) for key, factor in found.meters.items())


def _term(key: _Key, factor: Fraction) -> Term:
    term = Term(key[0], factor, key[1])
    if not factor:
        raise Invalid(f"{term.named} cancels out.", "Leave it out of the formula.", field="formula")
    if max(abs(factor.numerator), factor.denominator) >= 10**MOST_DIGITS:
        raise Invalid(f"The factor of {term.named} has too many digits.", "Round it.", field="formula")
    return term


class _Parser:
    """Reads tokens from left to right: sums of products of meters, numbers and parentheses."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._next = 0
        self._depth = 0

    def whole(self) -> _Sum:
        found = self._sum()
        rest = self._now
        if rest.text == ")":
            raise fault(rest.at, "this parenthesis was never opened.", "Remove it, or open it further to the left.")
        if rest.kind != END:
            raise fault(rest.at, "an operator is missing here.", "Put +, -, * or / before it.")
        return found

    @property
    def _now(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _sum(self) -> _Sum:
        found = self._product()
        while self._now.text in ("+", "-") and self._now.kind == "operator":
            sign = Fraction(-1 if self._take().text == "-" else 1)
            found = _added(found, self._product().times(sign))
        return found

    def _product(self) -> _Sum:
        found = self._factor()
        while self._now.text in ("*", "/") and self._now.kind == "operator":
            operator = self._take()
            other = self._factor()
            found = _divided(found, other) if operator.text == "/" else _multiplied(found, other)
        return found

    def _factor(self) -> _Sum:
        token = self._take()
        if token.kind == NUMBER:
            return _Sum(token.at, _number(token), {})
        if token.kind == METER:
            return _Sum(token.at, Fraction(0), {(token.text, self._quantity()): Fraction(1)})
        if token.text not in ("+", "-", "("):
            raise _misplaced(token)
        self._depth += 1
        if self._depth > DEEPEST:
            raise fault(token.at, f"more than {DEEPEST} parentheses are nested.", "Simplify the formula.")
        found = self._inside(token) if token.text == "(" else self._factor().times(_sign(token))
        self._depth -= 1
        return _Sum(token.at, found.number, found.meters)

    def _inside(self, opened: Token) -> _Sum:
        found = self._sum()
        if self._now.text != ")":
            if self._now.kind == END:
                raise fault(opened.at, "this parenthesis is never closed.", "Put ) where it ends.")
            raise fault(self._now.at, "an operator is missing here.", "Put +, -, * or / before it.")
        self._take()
        return found

    def _quantity(self) -> str:
        if self._now.kind != QUANTITY:
            return OWN
        token = self._take()
        if token.text not in QUANTITIES:
            known = ", ".join(QUANTITIES)
            reason = "temperatures do not add up" if token.text == "temperature" else f"there is no “{token.text}”"
            raise fault(
                token.at,
                f"{reason}.",
                f'After a meter\'s point write {known}. Quote an identifier that contains a point: "A.1".',
            )
        return token.text


def _sign(token: Token) -> Fraction:
    return Fraction(-1 if token.text == "-" else 1)


def _number(token: Token) -> Fraction:
    if len(token.text.removesuffix(".0").replace(".", "")) > MOST_DIGITS:
        raise fault(token.at, f"{token.text[:20]}… has too many digits.", f"Give at most {MOST_DIGITS}.")
    return Fraction(token.text)


def _misplaced(token: Token) -> Invalid:
    if token.kind == END:
        return fault(token.at, "the formula ends too early.", "Put a meter or a number after the last operator.")
    what = "there is nothing in these parentheses" if token.text == ")" else f"“{token.text}” has nothing before it"
    return fault(token.at, f"{what}.", "Put a meter or a number there.")


def _added(one: _Sum, other: _Sum) -> _Sum:
    if bool(one.meters) != bool(other.meters):
        number = other if one.meters else one
        raise fault(
            number.at, "a number cannot be added to a meter.", 'Multiply by it; or quote it, if it is a meter: "42".'
        )
    meters = dict(one.meters)
    for key, factor in other.meters.items():
        meters[key] = meters.get(key, Fraction(0)) + factor
    return _Sum(one.at, one.number + other.number, meters)


def _multiplied(one: _Sum, other: _Sum) -> _Sum:
    if one.meters and other.meters:
        raise fault(
            other.at,
            "a meter is multiplied by a meter.",
            "Only sums of meters, each times a number, can be calculated. A number of six or more digits is "
            "written with a point: 100000.0.",
        )
    found = one.times(other.number) if one.meters else other.times(one.number)
    return _Sum(one.at, one.number * other.number, found.meters)


def _divided(one: _Sum, other: _Sum) -> _Sum:
    if other.meters:
        raise fault(other.at, "this divides by a meter.", "Divide by numbers only: a ratio of meters is no amount.")
    if not other.number:
        raise fault(other.at, "this divides by zero.", "Divide by another number.")
    return one.times(1 / other.number)
