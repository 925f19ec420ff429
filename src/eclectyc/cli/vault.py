"""``eclectyc vault``: the key that encrypts other systems' secrets, and its rotation."""

from __future__ import annotations

from typing import Annotated

import typer

from eclectyc.cli import application_of
from eclectyc.cli.session import OPERATOR, AsJson, print_json, print_table, ready, say

SECOND_FACTORS = "mfa.authenticator.data"
vault = application_of("The vault: encryption of second factors and other systems' passwords.")


@vault.command("status")
def status(as_json: AsJson = False) -> None:
    """Show what is encrypted, and with which keys."""
    ready()
    from dataclasses import asdict

    from eclectyc.privacy import secret_rotation

    found = secret_rotation.vault_status()
    if as_json:
        print_json(asdict(found))
        return
    rows = [
        (name, key, "newest" if key in found.keys[:1] else "older" if key in found.keys else "missing", count)
        for name, counts in found.columns.items()
        for key, count in counts.items()
    ]
    print_table(["where", "key", "", "secrets"], rows, right=[3])
    say(f"Keys in {found.file}, the newest first: {', '.join(found.keys) or 'none'}.")
    if found.fault:
        print(found.fault)


@vault.command("rotate")
def rotate(
    wait: Annotated[
        float, typer.Option(min=0, max=3600, help="Seconds until no process writes with the old key.")
    ] = 25.0,
    as_json: AsJson = False,
) -> None:
    """Create a key, encrypt everything with it, then drop the old one. Continues where it was interrupted.

    Exit: 0 done, 1 done, but some secrets cannot be decrypted and must be entered again.
    """
    ready()
    from dataclasses import asdict

    from eclectyc.privacy import secret_rotation

    done = secret_rotation.rotate(OPERATOR, wait_s=wait, report=say)
    if as_json:
        print_json(asdict(done))
    else:
        for name, count in sorted(done.lost.items()):
            print(f"{name}: {count} cannot be decrypted with any key here; enter them again.")
        say(
            f"Encrypted again with key {done.key}: {sum(done.anew.values())}. The old key is dropped: keep a copy of "
            "the new vault.key, and of the old one as long as you keep earlier backups."
        )
    raise typer.Exit(1 if done.lost else 0)


@vault.command("give-up")
def give_up_secrets(
    really: Annotated[
        bool, typer.Option("--really", help="Confirm that secrets whose key is lost are given up.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give up the secrets whose key is lost, and create a key if there is none. The others stay."""
    ready()
    from dataclasses import asdict

    from eclectyc.kernel.errors import Invalid
    from eclectyc.privacy import secret_rotation

    if not really:
        raise Invalid(
            "This gives up every secret whose key is lost: its owner must enter it again.",
            "Restore vault.key if you can; otherwise add --really.",
            field="really",
        )
    done = secret_rotation.give_up_secrets(OPERATOR)
    if as_json:
        print_json(asdict(done))
        return
    for name, count in sorted(done.given_up.items()):
        how = "remove these second factors with eclectyc user second-factor EMAIL --remove" \
            if name == SECOND_FACTORS else "enter them again"  # fmt: skip
        print(f"{name}: {count} given up; {how}.")
    say(f"Key {done.key} encrypts from now on: keep a copy of vault.key.")
