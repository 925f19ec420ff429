"""Golden files, one module for each format or family of formats, with ``FILES``, a list of ``Golden``.

A new module is found automatically: see :func:`tests.readers.formats.golden.golden`.
"""
