"""Readings of virtual meters, calculated slot by slot from those of the meters in their formulas."""
