"""Batches: what came in as one commit of the lake, from pending to done, failed or undone."""
