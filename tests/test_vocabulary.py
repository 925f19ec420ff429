"""The page of words against the code."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest
from django.apps import apps

PAGE = Path(__file__).parents[1] / "docs/vocabulary.md"
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| term")
]
NAMES = [name for *_, in_code in ROWS for name in re.findall(r"`([^`]+)`", in_code)]
MODELS = {model.__name__: model for model in apps.get_models() if model.__module__.startswith("eclectyc.")}


def find(dotted: str) -> object:
    """Return a model or one of its fields (``Meter.parent``), or what a path within the package leads to."""
    first, _, field = dotted.partition(".")
    if first not in MODELS:
        return resolve_name(f"eclectyc.{dotted}")
    return getattr(MODELS[first], field) if field else MODELS[first]


def test_the_page_has_words_with_names_in_code():
    assert len(ROWS) > 90
    assert len(NAMES) > 90


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_code_exists(name):
    assert find(name) is not None


def test_no_word_is_explained_twice():
    terms = [term for row in ROWS for term in row[0].split(", ")]
    assert sorted(terms) == sorted(set(terms))
