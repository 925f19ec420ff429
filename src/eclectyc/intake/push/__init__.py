"""Readings pushed by programs: checked at once, durable before the answer, stored as day rows in batches."""
