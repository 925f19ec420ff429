"""Starts workers in no time: Django is loaded once, and each line on standard input forks ``eclectyc worker``."""

from __future__ import annotations

import json
import os
import signal
import sys


def main() -> None:
    import django

    django.setup()
    from eclectyc.cli import main as command
    from tests.jobs import handlers

    assert handlers.KINDS
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            code = command(["worker", *json.loads(line)])
            sys.stderr.flush()
            os._exit(code)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
