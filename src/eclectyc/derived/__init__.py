"""Series worked out from other series: gas volumes as energy, virtual meters.

What is worked out stands in the lake as ordinary day rows, so that every page, report and export has it. Nothing is
worked out as a whole again and again: each batch writes down, before the lake commits, which meters rest on the days
that it touches (``stale``), and ``working`` works these days out anew. A kind of derivation (``kind``) knows what rests
on what; all of them are named in ``kinds``.
"""
