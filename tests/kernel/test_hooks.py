"""Hooks list what rooms register, in a stable order, and import it only when it is read."""

from __future__ import annotations

import sys

import pytest

from eclectyc.kernel.hooks import Hook


def test_entries_are_listed_by_rank_and_then_in_the_order_of_their_registration() -> None:
    hook = Hook[str]("letter")
    for name, rank in (("d", 2), ("b", 1), ("c", 1), ("a", 0)):
        hook.register(name, f"string:{'ascii_letters'}", rank=rank)
    assert hook.names() == ["a", "b", "c", "d"]
    assert len(list(hook)) == len(hook) == 4


@pytest.mark.parametrize(("entry", "rank"), [(2, 0), (1, 5), ("math:pi", 0)])
def test_a_name_has_one_entry(entry: int | str, rank: int) -> None:
    hook = Hook[int]("number")
    hook.register("one", 1)
    hook.register("one", 1)  # apps can be made ready twice
    with pytest.raises(ValueError, match="There is a number called 'one' already"):
        hook.register("one", entry, rank=rank)
    assert list(hook) == [1]


def test_an_entry_given_by_its_name_is_imported_when_the_hook_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    hook = Hook[dict]("table")
    hook.register("zen", "this:d")
    assert hook.names() == ["zen"]
    assert "this" not in sys.modules
    assert hook.load("zen")["a"] == "n"
    assert list(hook) == [hook.load("zen")]


def test_a_name_that_is_not_registered_has_no_entry() -> None:
    with pytest.raises(KeyError):
        Hook[int]("number").load("one")
