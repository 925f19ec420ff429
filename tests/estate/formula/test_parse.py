"""Formulas as they are typed, and what they mean."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.estate.formula.parse import DEEPEST, LONGEST, MOST_TERMS, QUANTITIES, parse
from eclectyc.estate.formula.terms import Term, in_words, printed, written
from eclectyc.estate.formula.tokens import hyphenated, spelled_out, with_names
from eclectyc.kernel.errors import Invalid

F = Fraction


def meant(text: str) -> dict[str, Fraction]:
    return {f"{term.meter}.{term.quantity}".rstrip("."): term.factor for term in parse(text)}


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("A", {"A": F(1)}),
        ("A + B − C", {"A": F(1), "B": F(1), "C": F(-1)}),
        ("A – B — C", {"A": F(1), "B": F(-1), "C": F(-1)}),
        ("A+B", {"A": F(1), "B": F(1)}),
        ("0.5 * A", {"A": F(1, 2)}),
        (".5 × A1", {"A1": F(1, 2)}),
        ("A / 2", {"A": F(1, 2)}),
        ("A ÷ 3", {"A": F(1, 3)}),
        ("A * 1.05", {"A": F(21, 20)}),
        ("2 * 3 * A / 4", {"A": F(3, 2)}),
        ("(2 + 0.5) * A", {"A": F(5, 2)}),
        ("-A + B", {"A": F(-1), "B": F(1)}),
        ("−(A − B)", {"A": F(-1), "B": F(1)}),
        ("A - (B - (C - D))", {"A": F(1), "B": F(-1), "C": F(1), "D": F(-1)}),
        ("2 * (A + B) / 4", {"A": F(1, 2), "B": F(1, 2)}),
        ("A + A", {"A": F(2)}),
        ('"MAIN 1" - "A-B"', {"MAIN1": F(1), "A-B": F(-1)}),
        ("“MAIN 1” - A", {"MAIN1": F(1), "A": F(-1)}),
        ("1200023305967 - 2000023305967.export", {"1200023305967": F(1), "2000023305967.export": F(-1)}),
        ('"42" + 42 * A', {"42": F(1), "A": F(42)}),
        ("42.export + A", {"42.export": F(1), "A": F(1)}),
        ("100000.0 * A", {"A": F(100000)}),
        ("A.import + A.export", {"A.import": F(1), "A.export": F(1)}),
        ("3044187726W15 + QP2_GEN", {"3044187726W15": F(1), "QP2_GEN": F(1)}),
        ('"A.1".EXPORT', {"A.1.export": F(1)}),
    ],
)
def test_a_formula_means_meters_times_exact_factors(text, terms):
    assert meant(text) == terms


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("A * B", 5, "a meter is multiplied by a meter"),
        ("2 * (A + B) * C", 15, "a meter is multiplied by a meter"),
        ("1 / A", 5, "this divides by a meter"),
        ("A / B", 5, "this divides by a meter"),
        ("A / 0", 5, "divides by zero"),
        ("A / (1 - 1)", 5, "divides by zero"),
        ("A + 5", 5, "a number cannot be added to a meter"),
        ("5 - A", 1, "a number cannot be added to a meter"),
        ("5", 1, "there is no meter"),
        ("A B", 3, "an operator is missing"),
        ("2 A", 3, "an operator is missing"),
        ("(A B)", 4, "an operator is missing"),
        ("A +", 4, "ends too early"),
        ("A + * B", 5, "has nothing before it"),
        ("(A + B", 1, "never closed"),
        ("A + B)", 6, "never opened"),
        ("()", 2, "nothing in these parentheses"),
        ('"A + B', 1, "quote is not closed"),
        ('"" + A', 1, "nothing between the quotes"),
        ("A-B", 1, "may be one meter, or a difference"),
        ("1,5 * A", 2, "cannot be part of a formula"),
        ("5 % * A", 3, "cannot be part of a formula"),
        ("=A + B", 1, "cannot be part of a formula"),
        ("A.power", 3, "there is no “power”"),
        ("A.temperature", 3, "temperatures do not add up"),
        ("A.", 3, "there is no “”"),
        ("12345678901234567.5 * A", 1, "too many digits"),
    ],
)
def test_what_has_no_meaning_is_refused_at_its_place(text, at, said):
    with pytest.raises(Invalid) as refused:
        parse(text)
    assert refused.value.reason.startswith(f"At character {at}: ")
    assert said in refused.value.reason
    assert refused.value.remedy
    assert refused.value.field == "formula"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("A - A", "A cancels out"),
        ("0 * A + B", "A cancels out"),
        ("A + " * (LONGEST // 4 + 1), "characters"),
        (" + ".join(f"M{n}" for n in range(MOST_TERMS + 1)), "meters"),
        ("(" * (DEEPEST + 1) + "A" + ")" * (DEEPEST + 1), "are nested"),
        ("-" * (DEEPEST + 1) + "A", "are nested"),
        ("A / 123456789.5 / 123456789.5", "too many digits"),
    ],
)
def test_limits_are_named(text, said):
    with pytest.raises(Invalid, match=said):
        parse(text)


NAMES = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=("Z", "C")), min_size=1, max_size=12
).filter(lambda name: not name.startswith("'"))
FACTORS = st.fractions(max_denominator=999).filter(lambda f: f and abs(f) < 10**9)
TERMS = st.lists(
    st.builds(Term, NAMES, FACTORS, st.sampled_from(["", *QUANTITIES])),
    min_size=1,
    max_size=8,
    unique_by=lambda term: (term.meter, term.quantity),
)


@given(TERMS)
def test_what_is_printed_is_read_as_what_it_was(terms):
    assert parse(printed(terms)) == tuple(terms)


@given(st.decimals(min_value=Decimal("0.000001"), max_value=10**6, places=6))
def test_a_decimal_factor_is_written_as_it_is(factor):
    assert Decimal(written(Fraction(factor))) == factor


# A formula as a tree, and its plain meaning: what the tree gives where every meter has the number it is named for.
def _leaf(number: int) -> tuple[str, Fraction]:
    return f"M{number}", F(number)


TREES = st.recursive(
    st.integers(1, 9).map(_leaf),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-−"), inner).map(
            lambda t: (
                (f"{t[0][0]} {t[1]} {t[2][0]}", t[0][1] + t[2][1] * (1 if t[1] == "+" else -1))
                if t[1] == "+"
                else (f"{t[0][0]} {t[1]} ({t[2][0]})", t[0][1] - t[2][1])
            )
        ),
        st.tuples(st.integers(1, 40), inner).map(lambda t: (f"{t[0]} * ({t[1][0]})", t[0] * t[1][1])),
        st.tuples(inner, st.integers(1, 40)).map(lambda t: (f"({t[0][0]}) / {t[1]}", t[0][1] / t[1])),
        inner.map(lambda t: (f"-({t[0]})", -t[1])),
    ),
    max_leaves=6,
)


def read(text: str) -> tuple[Term, ...] | Invalid:
    try:
        return parse(text)
    except Invalid as refused:
        return refused


@given(TREES)
def test_a_formula_gives_what_plain_arithmetic_gives(tree):
    text, number = tree
    terms = read(text)
    if isinstance(terms, Invalid):
        assert "cancels out" in terms.reason or "too many digits" in terms.reason
    else:
        assert sum(term.factor * int(term.meter[1:]) for term in terms) == number


@given(st.text('AB12.+-−*/×()"“”% ,#:_=é', max_size=40))
def test_any_text_is_read_or_refused_with_a_remedy(text):
    found = read(text)
    if isinstance(found, Invalid):
        assert found.remedy
        assert found.field == "formula"
    else:
        assert parse(printed(found)) == found


def test_existing_meters_decide_what_a_word_with_a_hyphen_is():
    assert hyphenated('BFW-S01 + A-B - "C-D"') == ["BFW-S01", "BFW", "S01", "A-B", "A", "B"]
    assert spelled_out("BFW-S01 + A-B", {"BFW-S01", "A", "B"}) == '"BFW-S01" + A - B'
    assert spelled_out("A-B", {"A-B", "A", "B"}) == "A-B"  # both have a meaning: asked for, not guessed
    assert spelled_out('"A-B" - A-B', {"A", "B"}) == '"A-B" - A - B'


def test_names_are_replaced_in_place_and_all_else_is_kept():
    assert with_names('( A1 -  2 × "B 1" )', lambda name: '"C 2"' if name == "B1" else name) == '( A1 -  2 × "C 2" )'


def test_words_tell_what_is_added_first():
    terms = parse("-0.5 * A + B - C / 3")
    assert in_words(terms, lambda term: f"“{term.meter}”") == "“B” less 0.5 × “A” less 1/3 × “C”"
