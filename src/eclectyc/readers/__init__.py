"""Readers: a file on disk becomes blocks of rows. No registry, no lake, no clock."""
