"""Batches: each is one commit of the lake, from pending to done, failed or undone."""
