"""The terms of a formula: meters, each times an exact factor, added up. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from eclectyc.estate.formula.tokens import FEWEST_DIGITS, printed_name

MOST_DIGITS: Final = 15  # of a number that is typed, and of either part of a factor
OWN: Final = ""  # the quantity of a term that names none: that of the meter's direction


@dataclass(frozen=True, slots=True)
class Term:
    """One quantity of one meter, by its identifier, times a factor. The factor is a fraction: a third is exact."""

    meter: str
    factor: Fraction = Fraction(1)
    quantity: str = OWN

    @property
    def named(self) -> str:
        """The meter, and its quantity if one is named, as a formula writes them."""
        return printed_name(self.meter) + (f".{self.quantity}" if self.quantity else "")


def printed(terms: Iterable[Term]) -> str:
    """Return terms as a formula.

    >>> printed([Term("A"), Term("B", Fraction(-1, 2)), Term("C 1", Fraction(1, 3), "export")])
    'A - 0.5 * B + 1/3 * "C 1".export'
    """
    return _joined(terms, lambda term: term.named, plus="+", minus="-", times="*", factor=_as_number)


def in_words(terms: Iterable[Term], name: Callable[[Term], str]) -> str:
    """Return terms as part of a sentence; terms that are added come first. name : the words for one.

    >>> in_words([Term("A", Fraction(-1)), Term("B"), Term("C", Fraction(2))], lambda term: term.meter)
    'B plus 2 × C less A'
    """
    ordered = sorted(terms, key=lambda term: term.factor < 0)
    return _joined(ordered, name, plus="plus", minus="less", times="×", factor=written)


def _joined(
    terms: Iterable[Term],
    name: Callable[[Term], str],
    *,
    plus: str,
    minus: str,
    times: str,
    factor: Callable[[Fraction], str],
) -> str:
    words = ""
    for term in terms:
        sign = minus if term.factor < 0 else plus
        if words:
            words += f" {sign} "
        elif term.factor < 0:
            words = "-" if minus == "-" else f"{minus} "
        size = abs(term.factor)
        words += name(term) if size == 1 else f"{factor(size)} {times} {name(term)}"
    return words


def _as_number(factor: Fraction) -> str:
    """Return a factor as a formula writes it: whole numbers that would pass for a meter have a point."""
    parts = written(factor).split("/")
    return "/".join(f"{part}.0" if part.isdigit() and len(part) >= FEWEST_DIGITS else part for part in parts)


def written(factor: Fraction) -> str:
    """Return a factor as digits: a decimal where that is exact and short enough to be typed, else a fraction.

    >>> written(Fraction(21, 20)), written(Fraction(-2, 3)), written(12345678 + Fraction(1, 512))
    ('1.05', '-2/3', '6320987137/512')
    """
    rest = factor.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{factor.numerator}/{factor.denominator}"
    places = 0
    while factor.denominator and (10**places) % factor.denominator:
        places += 1
    scaled = factor.numerator * 10**places // factor.denominator
    decimal = f"{Decimal(scaled).scaleb(-places):f}"
    is_short = len(decimal.lstrip("-").replace(".", "")) <= MOST_DIGITS
    return decimal if is_short or factor.denominator == 1 else f"{factor.numerator}/{factor.denominator}"
