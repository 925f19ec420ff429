"""Thin views: parse the address, ask a service, render."""
