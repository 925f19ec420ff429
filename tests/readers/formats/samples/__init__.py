"""Golden files, a module a format or a family of formats: each has ``FILES``, a list of ``Golden``.

A new module is found by itself: see :func:`tests.readers.formats.golden.golden`.
"""
