"""Mutated files: golden files damaged in every way, imported, and checked against a second, simple reader.

``subjects`` lists the files to damage, ``texts``, ``documents`` and ``books`` damage them, ``trial`` imports them and
collects what would be stored, ``plain…`` reads the same files slowly with the standard library alone, and ``verdict``
compares the two. ``python -m tests.readers.mutants`` is ``make fuzz``.
"""
