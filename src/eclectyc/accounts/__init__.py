"""Organisations, people, roles and tokens: who is acting, and what they may do where."""
