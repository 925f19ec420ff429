"""``eclectyc serve`` and ``eclectyc web``."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
import time
from _thread import start_new_thread
from collections.abc import Callable
from typing import Annotated, Final

import typer

from eclectyc.cli.session import OPERATOR, load_django, ready, say
from eclectyc.kernel.errors import EclectycError

ANYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - recognised, never a default
LOOKS_UP_S: Final = 0.25
THREADS: Final = min(8, 2 * (os.cpu_count() or 1) + 1)

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every network.")]
Port = Annotated[int, typer.Option(min=1, max=65535)]


def serve(
    demo: Annotated[bool, typer.Option("--demo", help="Fill an empty home with the demo estate first.")] = False,
    host: Host = "127.0.0.1",
    port: Port = 8000,
) -> None:
    """Start web and worker in this terminal. The first start prepares the home and creates an administrator."""
    _require_free(host, port)
    load_django()
    from eclectyc.operations.home import bring_up_to_date, use_home
    from eclectyc.operations.startup import settle_what_was_left

    use_home()
    bring_up_to_date()
    settle_what_was_left(say)
    people = _prepare_demo() if demo else _prepare_first_use()
    from eclectyc.cli.worker import Beside

    beside = Beside()

    def started() -> None:
        people()
        beside.start()

    try:
        _run(host, port, workers=1, threads=THREADS, started=started)
    finally:
        beside.stop()


def web(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
    threads: Annotated[int, typer.Option(min=1, max=256, help="Threads in each process.")] = THREADS,
) -> None:
    """Serve the pages and the API only; the registry must be up to date."""
    _require_free(host, port)
    ready()
    from eclectyc.operations.startup import settle_what_was_left

    settle_what_was_left(say)
    _run(host, port, workers=workers, threads=threads, started=lambda: None)


def _prepare_first_use() -> Callable[[], None]:
    from eclectyc.operations.first_user import first_administrator

    made = first_administrator(OPERATOR)
    if made is None:
        return lambda: None
    user, password = made
    return lambda: _print_accounts([("administrator", user.email, password)])


def _prepare_demo() -> Callable[[], None]:
    from eclectyc.cli.seed import local_today
    from eclectyc.demo.seeding import seed_demo

    seeded = seed_demo(today=local_today(), on_progress=say)
    if all(account.password is None for account in seeded.accounts):
        emails = ", ".join(account.email for account in seeded.accounts)
        return lambda: _print_known_accounts(emails)
    rows = [(a.role, a.email, a.password or "(as before)") for a in seeded.accounts]
    return lambda: _print_accounts(rows)


def _print_accounts(rows: list[tuple[str, str, str]]) -> None:
    width = max(len(email) for _, email, _ in rows)
    print("\nSign in as", flush=True)
    for role, email, password in rows:
        print(f"  {role:<14} {email:<{width}}   {password}", flush=True)
    print("The passwords are shown only once; eclectyc user password EMAIL sets a new one.", flush=True)


def _print_known_accounts(emails: str) -> None:
    print(f"\nThe demo's accounts are {emails}.", flush=True)
    print("Their passwords were shown at the first start; eclectyc user password EMAIL sets a new one.", flush=True)


def _require_free(host: str, port: int) -> None:
    """Report an address that cannot be used at once; the server's own message is less clear."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise EclectycError(
                f"Port {port} on {host} is taken.",
                "Choose another with --port, or stop what listens there.",
                field="port",
            ) from None
        why = error.strerror or str(error)
        raise EclectycError(f"Cannot listen on {host} port {port}: {why}.", "Check --host and --port.") from None


def _run(host: str, port: int, *, workers: int, threads: int, started: Callable[[], None]) -> None:
    import multiprocessing

    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    _allow_host(host)
    multiprocessing.set_start_method("spawn", force=True)  # Polars and the lake do not survive a fork
    server = Granian(
        "eclectyc.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        log_level=LogLevels.warning,
        log_dictconfig=_log_to_stderr(),
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    )

    def announce() -> None:
        _wait_until_open(host, port)
        shown = f"[{host}]" if ":" in host else "localhost" if host in ANYWHERE else host
        print(f"Eclectyc Energy is at http://{shown}:{port}/", flush=True)
        started()
        print("\nControl-C stops it.", flush=True)

    def obey(*_: object) -> None:
        """Pass a signal on from another thread: this one may hold the lock of the event to be set."""
        start_new_thread(server.signal_handler_interrupt, ())

    def listen() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, obey)

    server.main_loop_interrupt = Attentive()
    server.on_startup(listen)
    server.on_startup(threading.Thread(target=announce, name="announce", daemon=True).start)
    server.serve()


class Attentive(threading.Event):
    """An event whose waiter wakes regularly.

    Python runs signal handlers in the main thread; a signal just before that thread starts to wait is handled only when
    it wakes: a Control-C soon after the start was lost that way.
    """

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is not None:
            return super().wait(timeout)
        while not super().wait(LOOKS_UP_S):
            pass
        return True


def _wait_until_open(host: str, port: int) -> None:
    """Wait for the first worker, so that the printed address can be opened."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    while True:
        try:
            socket.create_connection((reached, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)


def _allow_host(host: str) -> None:
    """Return the address to open in a browser."""
    from django.conf import settings

    if settings.CONFIGURATION.allowed_hosts:
        return
    if host in ANYWHERE:
        names = ", ".join(settings.ALLOWED_HOSTS)
        say(f"Only {names} will be answered. List other host names in ALLOWED_HOSTS.")
    elif host not in settings.ALLOWED_HOSTS:
        os.environ["ALLOWED_HOSTS"] = ",".join([*settings.ALLOWED_HOSTS, f"[{host}]" if ":" in host else host])


def _log_to_stderr() -> dict[str, object]:
    handlers = {
        name: {"formatter": form, "class": "logging.StreamHandler", "stream": "ext://sys.stderr"}
        for name, form in (("console", "generic"), ("access", "access"))
    }
    return {"handlers": handlers}
