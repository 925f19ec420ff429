"""The rules of the house, each as a test; what they are stands in ``tests/house.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests import house


@pytest.mark.parametrize("rule", house.RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rules(rule: Callable[[], Iterator[str]]) -> None:
    assert list(rule()) == []
