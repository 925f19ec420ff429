"""``eclectyc user`` and ``eclectyc token``."""

from __future__ import annotations

from typing import Annotated

import typer

from eclectyc.cli import application_of
from eclectyc.cli.session import OPERATOR, chosen_organisation, print_json, print_table, ready, say

users = application_of("People: who may sign in, and as what.")
tokens = application_of("API tokens: keys for programs.")
