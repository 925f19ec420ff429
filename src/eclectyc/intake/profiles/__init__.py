"""Declared layouts: how one sender's files are laid out, said once and kept."""
