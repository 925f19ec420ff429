"""The tokens of a formula's text, each with its position; its identifiers replaced. Pure.

A meter is named by its identifier: bare, if that is letters, digits and ``_ : #``; in quotes, if it has anything else.
Digits alone are a meter from six on (MPANs, MPRNs) and a number below; quotes or a decimal point force either. A hyphen
inside bare letters is never guessed at: ``BFW-S01`` may be one meter or a difference, and :func:`spelled_out` decides
by the meters that exist, if only one of the two has a meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final

from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.identifiers import clean_identifier

FEWEST_DIGITS: Final = 6  # of a meter's bare identifier of digits
NUMBER, METER, OPERATOR, QUANTITY, END = "number", "meter", "operator", "quantity", "end"
MINUSES: Final = "-−–—"

_OPERATORS: Final = {
    **dict.fromkeys(MINUSES, "-"),
    "+": "+",
    "*": "*",
    "×": "*",
    "·": "*",
    "/": "/",
    "÷": "/",
    "(": "(",
    ")": ")",
}
_CLOSING: Final = {'"': '"', "“": "”", "„": "“", "”": "”", "«": "»"}
_BARE: Final = re.compile(r"[\w:#]+(?:-+[\w:#]+)*")
_DECIMALS: Final = re.compile(r"[0-9]*\.[0-9]+(?![\w:#])")
_POINT: Final = re.compile(r"\.([\w-]*)")
_PLAIN: Final = re.compile(r"[\w:#]+")
_REMEDIES: Final = {
    ",": "Write numbers with a decimal point and without commas.",
    "%": "Write 5 % as 0.05.",
    "^": "Only sums of meters, each times a number, can be calculated.",
    "[": "[hidden] is a meter that you do not see: ask a user who sees it to change this formula.",
    "'": 'Quote identifiers like this: "MAIN 1".',
}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a formula from ``at`` up to ``end``. text : its meaning: an operator's sign, a number's digits, a
    meter's identifier, a quantity's name."""

    kind: str
    text: str
    at: int
    end: int


def fault(at: int, reason: str, remedy: str) -> Invalid:
    """Return the refusal of a formula at a position in its text."""
    return Invalid(f"At character {at + 1}: {reason}", remedy, field="formula")


def tokens(text: str) -> list[Token]:
    """Return the tokens of a formula, the end last; raise ``Invalid`` at the first character that is none.

    >>> [token.text for token in tokens('"MAIN 1".export − 2 × 1200023305967')]
    ['MAIN1', 'export', '-', '2', '*', '1200023305967', '']
    """
    found: list[Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        found += _next(text, at)
        at = found[-1].end
    return [*found, Token(END, "", len(text), len(text))]


def _next(text: str, at: int) -> list[Token]:
    sign = text[at]
    if sign in _OPERATORS:
        return [Token(OPERATOR, _OPERATORS[sign], at, at + 1)]
    if sign in _CLOSING:
        return _with_quantity(text, _quoted(text, at))
    decimals = _DECIMALS.match(text, at)
    if decimals:
        return [Token(NUMBER, decimals[0], at, decimals.end())]
    bare = _BARE.match(text, at)
    if bare is None:
        remedy = _REMEDIES.get(sign, 'Use meters, numbers, + - * / and ( ); quote an identifier: "MAIN 1".')
        raise fault(at, f"“{sign}” cannot be part of a formula.", remedy)
    if "-" in bare[0]:
        spaced = re.sub("-+", " - ", bare[0])
        raise fault(
            at,
            f"“{bare[0]}” may be one meter, or a difference.",
            f'Quote the meter: "{bare[0]}" – or put spaces around the minus: {spaced}.',
        )
    return _bare(text, at, bare[0])


def _bare(text: str, at: int, word: str) -> list[Token]:
    end = at + len(word)
    is_digits = word.isascii() and word.isdigit()
    has_quantity = text[end : end + 1] == "."
    if is_digits and len(word) < FEWEST_DIGITS and not has_quantity:
        return [Token(NUMBER, word, at, end)]
    return _with_quantity(text, Token(METER, word, at, end))


def _quoted(text: str, at: int) -> Token:
    """Return a quoted identifier; a doubled quote inside stands for one."""
    closing = _CLOSING[text[at]]
    end = at + 1
    result = ""
    while end < len(text):
        if text[end] == closing:
            if text[end + 1 : end + 2] != closing:
                return _named(result, at, end + 1)
            end += 1
        result += text[end]
        end += 1
    raise fault(at, "this quote is not closed.", f"Put {closing} after the identifier.")


def _named(result: str, at: int, end: int) -> Token:
    name = clean_identifier(result)
    if not name:
        raise fault(at, "there is nothing between the quotes.", 'Put an identifier there: "MAIN 1".')
    return Token(METER, name, at, end)


def _with_quantity(text: str, meter: Token) -> list[Token]:
    meter = Token(meter.kind, clean_identifier(meter.text), meter.at, meter.end)
    result = _POINT.match(text, meter.end)
    return [meter] if result is None else [meter, Token(QUANTITY, result[1].lower(), meter.end + 1, result.end())]


def printed_name(identifier: str) -> str:
    """Return an identifier as a formula writes it: in quotes if necessary.

    >>> printed_name("M1"), printed_name("BFW-S01"), printed_name("42")
    ('M1', '"BFW-S01"', '"42"')
    """
    is_number = identifier.isascii() and identifier.isdigit() and len(identifier) < FEWEST_DIGITS
    if _PLAIN.fullmatch(identifier) and not is_number:
        return identifier
    doubled = identifier.replace('"', '""')
    return f'"{doubled}"'


def with_names(text: str, name: Callable[[str], str]) -> str:
    """Return a formula as typed with its meters renamed. name : returns what replaces an identifier, unquoted; one
    that it returns unchanged stays as typed.

    >>> with_names('A -  "B 1"', lambda meter: "C" if meter == "B1" else meter)
    'A -  C'
    """
    result, at = "", 0
    for token in tokens(text):
        if token.kind == METER and (named := name(token.text)) != token.text:
            result += text[at : token.at] + named
            at = token.end
    return result + text[at:]


def hyphenated(text: str) -> list[str]:
    """Return the bare words with hyphens in a formula, and the pieces between their hyphens: the names to look up.

    >>> hyphenated('BFW-S01 + "A-B"')
    ['BFW-S01', 'BFW', 'S01']
    """
    words = [text[at:end] for at, end in _hyphenated(text)]
    return list(dict.fromkeys(piece for word in words for piece in (word, *_pieces(word))))


def spelled_out(text: str, known: Collection[str]) -> str:
    """Return a formula with each bare word with hyphens quoted if it is one of the ``known`` meters, and spaced if its
    pieces are; unchanged, to be refused, if both or neither are.

    >>> spelled_out("BFW-S01 + A-B", {"BFW-S01", "A", "B"})
    '"BFW-S01" + A - B'
    """
    result, at = "", 0
    for start, end in _hyphenated(text):
        word = text[start:end]
        is_one, is_sum = word in known, all(piece in known or _is_factor(piece) for piece in _pieces(word))
        if is_one == is_sum:
            continue
        result += text[at:start] + (printed_name(word) if is_one else " - ".join(_pieces(word)))
        at = end
    return result + text[at:]


def _hyphenated(text: str) -> Iterator[tuple[int, int]]:
    """Yield the positions of bare words with hyphens; quoted text has none."""
    at = 0
    while at < len(text):
        if text[at] in _CLOSING:
            end = text.find(_CLOSING[text[at]], at + 1)
            at = len(text) if end < 0 else end + 1
            continue
        word = _BARE.match(text, at)
        if word and "-" in word[0]:
            yield at, word.end()
        at = word.end() if word else at + 1


def _pieces(word: str) -> list[str]:
    return re.split("-+", word)


def _is_factor(piece: str) -> bool:
    return piece.isascii() and piece.isdigit() and len(piece) < FEWEST_DIGITS
