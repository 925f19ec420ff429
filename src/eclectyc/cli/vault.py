"""``eclectyc vault``: the key that seals the secrets of other systems, and going over to another one."""

from __future__ import annotations

from typing import Annotated

import typer

from eclectyc.cli import application_of
from eclectyc.cli.session import OPERATOR, AsJson, print_json, print_table, ready, say

vault = application_of("The vault: what seals second factors and the passwords of other systems.")


@vault.command("status")
def status(as_json: AsJson = False) -> None:
    """Tell what is sealed, and with which keys."""
    ready()
    from dataclasses import asdict

    from eclectyc.privacy import secret_rotation

    found = secret_rotation.vault_status()
    if as_json:
        print_json(asdict(found))
        return
    rows = [(name, key, "newest" if key in found.keys[:1] else "older" if key in found.keys else "missing", count)
            for name, counts in found.columns.items() for key, count in counts.items()]  # fmt: skip
    print_table(["where", "key", "", "secrets"], rows, right=[3])
    say(f"Keys in the file, the newest first: {', '.join(found.keys) or 'none yet'}.")


@vault.command("rotate")
def rotate(
    wait: Annotated[
        float, typer.Option(min=0, max=3600, help="Seconds after which nobody writes any more with the old key.")
    ] = 25.0,
    as_json: AsJson = False,
) -> None:
    """Make a new key, seal everything anew with it, then drop the old one. Interrupted, it goes on where it stopped.

    Exit: 0 done, 1 done but some secrets open with no key and have to be entered anew.
    """
    ready()
    from dataclasses import asdict

    from eclectyc.privacy import secret_rotation

    done = secret_rotation.rotate(OPERATOR, wait_s=wait, report=say)
    if as_json:
        print_json(asdict(done))
    else:
        for name, count in sorted(done.lost.items()):
            print(f"{name}: {count} cannot be opened with any key here; enter them anew.")
        say(f"Sealed anew with key {done.key}: {sum(done.anew.values())}. The old key is gone: keep a copy of the new "
            "vault.key, and one of the old for as long as you keep backups from before.")  # fmt: skip
    raise typer.Exit(1 if done.lost else 0)
