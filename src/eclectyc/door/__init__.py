"""Requests before they reach a thread: how large a body may be, and how long it may take."""
