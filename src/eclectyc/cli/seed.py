"""``eclectyc seed``."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from eclectyc.cli.recompute import follow
from eclectyc.cli.session import AsJson, print_json, ready, say
from eclectyc.kernel.plurals import counted


def local_today() -> date:
    """Return today's date where the demo estate is."""
    from django.utils import timezone

    from eclectyc.demo.grid import ZONE

    return timezone.now().astimezone(ZONE).date()


def seed(
    number: Annotated[int, typer.Option("--seed", min=0, help="Another number gives other readings.")] = 42,
    as_json: AsJson = False,
) -> None:
    """Fill an empty home with the demo estate; in a demo home, add readings up to yesterday."""
    ready()
    from eclectyc.demo.seeding import seed_demo

    seeded = seed_demo(today=local_today(), seed=number, on_progress=say)
    follow()
    accounts = [{"role": a.role, "email": a.email, "password": a.password} for a in seeded.accounts]
    if as_json:
        print_json({"readings": seeded.added, "is_new": seeded.is_new, "accounts": accounts})
        return
    say(f"Added {counted(seeded.added, 'reading')}.")
    for account in accounts:
        print(f"{account['role']:<8}  {account['email']}  {account['password'] or '(password unchanged)'}")
