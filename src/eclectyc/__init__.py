"""Eclectyc Energy: self-hosted energy intelligence for estates, construction and industry."""

import os

# Nothing here multiplies matrices; NumPy's threads for that would only spin.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
