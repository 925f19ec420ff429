"""How the command finds its commands, and how it says what went wrong."""

import importlib
import json
import subprocess
import sys

import pytest

from eclectyc import cli
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.hooks import Command, commands
from tests.serving import BIN, Installation


def test_the_version_is_told_without_loading_anything_heavy():
    heavy = ("django", "polars", "deltalake", "numpy", "typer", "rich", "pydantic")
    code = f"import sys; from eclectyc.cli import main; main(['--version']); print({{*{heavy}}} & {{*sys.modules}})"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == [f"eclectyc {cli.__version__}", "set()"]


def test_without_a_command_all_commands_are_listed(run):
    said = run()
    assert said.code == 0
    assert all(f"\n  {name} " in said.out for name in commands.names())


@pytest.mark.parametrize("name", commands.names())
def test_every_command_tells_how_it_is_used(run, name):
    module, _, attribute = commands.load(name).target.partition(":")
    assert hasattr(importlib.import_module(module), attribute)
    said = run(name, "--help")
    assert said.code == 0
    assert said.out


def test_a_command_that_a_room_registers_is_listed_and_runs(run, monkeypatch):
    monkeypatch.setattr(commands, "_entries", dict(commands._entries))
    commands.register("greet", Command("tests.cli.test_frame:greet", "Greet someone"))
    assert "\n  greet " in run().out
    said = run("greet", "Ada")
    assert (said.code, said.out) == (0, "Good morning, Ada\n")


def greet(name: str) -> None:
    print(f"Good morning, {name}")


def test_an_unknown_command_is_named_with_the_nearest_one(run):
    said = run("bakup")
    assert (said.code, said.out) == (2, "")
    assert said.err == "eclectyc: There is no command 'bakup'. Did you mean 'backup'?\n"


def test_an_error_is_one_line_with_its_remedy(run, monkeypatch):
    _fail_with(monkeypatch, Invalid("That is no day.", "Write it as\nYYYY-MM-DD.", field="date"))
    said = run("migrate")
    assert (said.code, said.out) == (2, "")
    assert said.err == "eclectyc: That is no day. Write it as YYYY-MM-DD.\n"


def test_with_json_an_error_is_one_object_too(run, monkeypatch):
    _fail_with(monkeypatch, Invalid("That is no day.", "Write YYYY-MM-DD.", field="date"))
    said = run("restore", "somewhere", "--json")
    expected = {"code": "invalid", "message": "That is no day.", "remedy": "Write YYYY-MM-DD.", "field": "date"}
    assert json.loads(said.out) == {"error": expected}


def test_a_fault_of_ours_is_told_apart_and_asks_to_be_reported(run, monkeypatch):
    _fail_with(monkeypatch, ZeroDivisionError("division by zero"))
    said = run("migrate")
    assert said.code == 70
    assert "Internal error: ZeroDivisionError: division by zero" in said.err.splitlines()[-1]


def test_a_full_disk_is_told_in_words(run, monkeypatch):
    _fail_with(monkeypatch, OSError(28, "No space left on device", "/data/lake"))
    assert run("migrate").err == (
        "eclectyc: No space left on device (/data/lake). Check the path, its permissions and free space.\n"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["import"], "Missing"),
        (["import", "x.csv", "--bogus"], "--bogus"),
        (["undo", "x"], "integer"),
        (["aggregate", "daily"], "unexpected"),
    ],
)
def test_words_that_are_no_command_line_are_told_with_its_usage_and_as_json_where_asked_for(run, words, says):
    plain = run(*words)
    assert (plain.code, plain.out) == (2, "")
    assert "Usage: eclectyc" in plain.err
    assert says in plain.err
    asked = run(*words, "--json")
    assert asked.code == 2
    assert says in json.loads(asked.out)["error"]["message"]
    assert "Usage: eclectyc" in asked.err


def test_control_c_within_a_command_is_no_fault_of_its_own(run, monkeypatch):
    def stopped():
        raise KeyboardInterrupt

    monkeypatch.setattr("eclectyc.cli.imports.ready", stopped)
    answer = run("batches", "--json")
    assert (answer.code, answer.out, answer.err.strip()) == (130, "", "Stopped.")


def test_control_c_ends_quietly(run, monkeypatch):
    _fail_with(monkeypatch, KeyboardInterrupt())
    said = run("migrate")
    assert said.code == 130
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("DATABASE_URL", "mysql://somewhere/x", "DATABASE_URL is not usable: use postgresql://"),
        ("ECLECTYC_TIMEZONE", "Mars/Olympus", "ECLECTYC_TIMEZONE is not usable: There is no time zone called"),
        ("ECLECTYC_LAKE_BUCKETS", "many", "ECLECTYC_LAKE_BUCKETS is not usable:"),
        ("ECLECTYC_HOME", "/proc/nowhere", "The data folder /proc/nowhere cannot be created:"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(installation: Installation, name, value, line):
    done = installation.run("user", "list", **{name: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"eclectyc: {line}")
    assert done.stderr.count("\n") == 1


def test_settings_are_read_from_the_env_file_in_the_home_and_the_environment_goes_first(
    bare_installation: Installation,
):
    installation = bare_installation
    installation.home.mkdir()
    (installation.home / ".env").write_text("ECLECTYC_TIMEZONE=Mars/Olympus\n")
    assert "Mars/Olympus" in installation.run("migrate").stderr
    assert installation.run("migrate", ECLECTYC_TIMEZONE="Europe/Paris").returncode == 0


def test_python_m_eclectyc_is_the_same_command():
    done = subprocess.run([sys.executable, "-m", "eclectyc", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"eclectyc {cli.__version__}\n"


def test_a_reader_that_goes_away_is_no_error(installation: Installation):
    command = f"'{BIN}/eclectyc' | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) in [(0, ""), (120, "")]


def test_django_s_own_commands_are_reached_through_manage(installation: Installation):
    installation.run("migrate")
    done = installation.run("manage", "showmigrations", "estate")
    assert done.returncode == 0
    assert "[X] 0001_initial" in done.stdout


def _fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    from eclectyc.cli import maintenance

    def fail() -> None:
        raise error

    monkeypatch.setattr(maintenance, "load_django", fail)
