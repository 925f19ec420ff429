"""Formulas over meters: how they are typed, what they mean, and how they are printed. Pure."""
