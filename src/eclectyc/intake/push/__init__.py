"""Readings that programs push: checked at once, durable before the answer, folded into day rows in batches."""
