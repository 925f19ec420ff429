"""`eclectyc serve` as a user starts it."""

import re
import signal
import socket
import urllib.error
import urllib.request
from contextlib import closing

import pytest

from tests.serving import Installation, free_port

# Making the demo, its first start and a page behind a sign-in are tried here with the real program.


def started(installation: Installation, *words: str, **environment: str) -> tuple[str, str, object]:
    """Start a server and return its address, what it printed, and its process."""
    port = free_port()
    process = installation.start("serve", "--port", str(port), *words, **environment)
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if "Control-C" in line:
            break
    else:
        pytest.fail(f"it ended: {''.join(lines)} {process.stderr.read() if process.stderr else ''}")
    return f"http://127.0.0.1:{port}", "".join(lines), process


def get(url: str, host: str | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def stopped(process) -> int:
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=90)  # jobs that run may take their time, and so may a busy machine
    return process.returncode


def test_the_first_start_prepares_the_home_and_tells_address_and_administrator_once(bare_installation: Installation):
    installation = bare_installation
    url, said, process = started(installation)
    assert f"Eclectyc Energy is at {url}/" in said
    password = re.search(r"administrator +admin@localhost +(\S+)", said)
    assert password
    assert get(f"{url}/login")[0] == 200
    assert get(f"{url}/api/health")[0] in (200, 207)
    assert get(f"{url}/login", host="evil.example")[0] == 400
    assert stopped(process) == 0

    _, again, process = started(installation)
    assert password[1] not in again
    assert "administrator" not in again
    assert stopped(process) == 0


def test_imports_that_a_crash_cut_off_are_settled_at_the_start(installation: Installation, tmp_path):
    file = tmp_path / "one.csv"
    starts = [
        ("intake.after_pending", ["serve", "--port", str(free_port())], "failed"),
        ("lake.after_commit", ["web", "--port", str(free_port())], "done"),
        ("intake.before_done", ["worker", "--until-empty"], "done"),
    ]
    for number, (failpoint, words, state) in enumerate(starts, 1):
        file.write_text(f"Meter,Date,kWh\nM{number},2025-01-06,1\n")
        crashed = installation.run("import", file, "--create-meters", "--site", "S", ECLECTYC_FAILPOINT=failpoint)
        assert crashed.returncode == -signal.SIGKILL
        process = installation.start(*words)
        assert process.stdout is not None
        if words[0] != "worker":
            assert any("Control-C" in line for line in process.stdout)
            process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        assert f"Recovered 1 import that was interrupted: batch {number} {state}." in said


def test_the_administrator_s_address_can_be_chosen(installation: Installation):
    _, said, process = started(installation, ADMIN_EMAIL="energy@example.org")
    assert "energy@example.org" in said
    assert stopped(process) == 0


def test_the_demo_prints_three_accounts_and_serves_its_estate(installation: Installation):
    url, said, process = started(installation, "--demo")
    accounts = dict(re.findall(r"(admin|manager|viewer)@demo\.example +(\S+)", said))
    assert set(accounts) == {"admin", "manager", "viewer"}
    assert get(f"{url}/login")[0] == 200
    refused = installation.run("restore", str(installation.home))
    assert refused.returncode == 2
    token = installation.run("token", "create", "viewer@demo.example", "--name", "t").stdout.strip()
    request = urllib.request.Request(f"{url}/api/meters?limit=1", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert b'"count":41' in answer.read().replace(b" ", b"")
    assert stopped(process) == 0

    _, again, process = started(installation, "--demo")
    assert not any(password in again for password in accounts.values())
    assert "eclectyc user password EMAIL" in again
    assert stopped(process) == 0


def test_the_demo_is_refused_in_a_home_with_an_estate_of_its_own(installation: Installation):
    installation.run("migrate")
    code = (
        "from eclectyc.accounts.models import Organisation; from eclectyc.estate.models import Site;"
        "Site.objects.create(organisation=Organisation.objects.get(), name='Ours')"
    )
    installation.run("manage", "shell", "-c", code)
    done = installation.run("serve", "--demo", "--port", str(free_port()))
    assert (done.returncode, done.stdout) == (2, "")
    assert "never mixed with an estate of your own" in done.stderr


@pytest.mark.parametrize("command", ["serve", "web"])
def test_a_port_that_is_taken_is_said_at_once(bare_installation: Installation, command):
    installation = bare_installation
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        done = installation.run(command, "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"eclectyc: Port {port} on 127.0.0.1 is taken. Choose another with --port, or stop what listens there.\n"
    )
    assert not installation.home.exists()


def test_an_address_of_another_machine_is_refused(installation: Installation):
    done = installation.run("serve", "--host", "192.0.2.1")
    assert done.returncode == 2
    assert "Cannot listen on 192.0.2.1 port 8000" in done.stderr


def test_web_alone_serves_and_is_stopped_by_the_usual_signal(installation: Installation):
    installation.run("migrate")
    port = free_port()
    process = installation.start("web", "--port", str(port))
    assert process.stdout is not None
    assert f"http://127.0.0.1:{port}/" in process.stdout.readline()
    assert get(f"http://127.0.0.1:{port}/login")[0] == 200
    process.terminate()
    process.communicate(timeout=90)  # jobs that run may take their time, and so may a busy machine
    assert process.returncode in (0, -15)
