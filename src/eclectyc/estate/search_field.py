"""The words by which a search finds a row, stored with it in lower case: one comparison instead of many."""

from __future__ import annotations

from typing import Any

from django.db import models


class SearchField(models.TextField):
    """Stored with its row from the model's ``search_words()``; a list searches it with ``contains``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"blank": True, "default": "", "editable": False, **options})

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Return the row's words now; a migration's model has none."""
        if not hasattr(model_instance, "search_words"):
            return getattr(model_instance, self.attname)
        words = searchable(model_instance.search_words())
        setattr(model_instance, self.attname, words)
        return words


def searchable(words: list[str]) -> str:
    """Return words joined for searching, each on a line of its own.

    >>> searchable(["Harbour House", "", "BS1 4RN"])
    'harbour house\\nbs1 4rn'
    """
    return "\n".join(word.casefold() for word in words if word)
