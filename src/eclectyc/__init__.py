"""Eclectyc Energy: self-hosted energy intelligence for estates, construction and industry."""

__version__ = "0.1.0"
