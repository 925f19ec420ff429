"""Mutated files: golden files damaged in every way, the import that takes them, and what it must have made of them.

``subjects`` names what is mutated, ``texts``, ``documents`` and ``books`` damage it, ``trial`` imports it and looks at
what would be stored, ``plain…`` read the same file slowly with the standard library alone, and ``verdict`` compares the
two. ``python -m tests.readers.mutants`` is ``make fuzz``.
"""
