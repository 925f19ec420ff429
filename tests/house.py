"""The rules of the house that no other checker knows. ``python -m tests.house`` prints what breaks them.

Each rule is a function that yields one line per fault; ``tests/test_house.py`` runs them all.
"""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import grimp

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "src" / "eclectyc"
VENDOR: Final = SOURCE / "web" / "static" / "vendor"

LONGEST_FUNCTION: Final = 60  # [lines]
LONGEST_MODULE: Final = 400  # [lines]; 300 deserves a hard look
EMPTY_NAMES: Final = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}
CLOCKS: Final = {"now", "utcnow", "today", "localtime", "time_ns", "monotonic", "perf_counter"}
# Pure modules say so: their docstring's first paragraph ends with "Pure.". They import none of these, at any distance.
IMPURE: Final = ("django", "ninja", "httpx", "requests", "paramiko", "socket", "smtplib", "urllib.request", "random")
PURE: Final = re.compile(r"\bPure[.:;,]")
LONGEST_TEMPLATE_LINE: Final = 120  # [characters]
# Coinages of this project's early days. CONTRIBUTING.md, "How we write", has the plain words.
COINAGES: Final = re.compile(
    r"\b(anew|whoever|nobody|somebody|told|noughts?|(?-i:lanes?)|laid|worked out|works out|mend(?:s|ed|ing)?|taken down"
    r"|put aside|is said to|what it held|where there is none)\b",
    re.IGNORECASE,
)
# Promised names: a command, keys of its answer, columns.
PROMISED: Final = re.compile(r"audit anew|[\"'.]anew\b|\banew[\":]|\btold (= models|String)|[\"']told[\"']")
PROSE: Final = (
    "src/**/*.py",
    "src/**/*.html",
    "src/**/*.txt",
    "docs/**/*.md",
    "README.md",
    "CONTRIBUTING.md",
    ".env.example",
)
MOST_FMT_SKIPS: Final = 20
FEWEST_PURE: Final = 100  # modules


def committed() -> list[Path]:
    """Return every file that is, or is about to be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sorted({path for name in listed.split("\0") if name and (path := ROOT / name).is_file()})


def modules() -> list[Path]:
    """Return the product's own modules, migrations apart."""
    return [path for path in sorted(SOURCE.rglob("*.py")) if "migrations" not in path.parts]


def lock_files_name_no_host() -> Iterator[str]:
    """A lock file says what, by hash; where from is the installer's own affair."""
    for path in committed():
        if path.suffix == ".lock" or path.name.startswith(("requirements", "package-lock", "pylock")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if re.search(r"://|\bfile:|--(extra-)?index|--find-links|@ ", line):
                    yield f"{_name(path)}:{number} names a place to fetch from: {line.strip()}"


def what_is_vendored_is_what_was_checked() -> Iterator[str]:
    """Every vendored file stands in a SHA256SUMS beside or above it, with its own checksum, and has a licence."""
    listed: dict[Path, str] = {}
    for sums in VENDOR.rglob("SHA256SUMS"):
        for line in sums.read_text().splitlines():
            digest, _, name = line.partition("  ")
            listed[sums.parent / name.lstrip("*")] = digest
    for path in sorted(VENDOR.rglob("*")):
        if path.is_dir() or path.name == "SHA256SUMS":
            continue
        if path not in listed:
            yield f"{_name(path)} stands in no SHA256SUMS"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != listed[path]:
            yield f"{_name(path)} is not the file that SHA256SUMS describes"
    for missing in sorted(path for path in listed if not path.exists()):
        yield f"{_name(missing)} stands in SHA256SUMS and is not there"
    for folder in sorted(path for path in VENDOR.glob("*") if path.is_dir()):
        if not any(path.name.startswith("LICEN") for path in folder.iterdir()):
            yield f"{_name(folder)} has no licence"


def functions_stay_readable() -> Iterator[str]:
    """No function over sixty lines."""
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    yield f"{_name(path)}:{node.lineno} {node.name} has {lines} lines"


def modules_stay_readable() -> Iterator[str]:
    """No module over four hundred lines."""
    for path in modules():
        lines = len(path.read_text().splitlines())
        if lines > LONGEST_MODULE:
            yield f"{_name(path)} has {lines} lines"


def modules_are_named_for_what_they_do() -> Iterator[str]:
    """A name that would fit every module says nothing of this one."""
    for path in SOURCE.rglob("*"):
        if path.stem in EMPTY_NAMES and (path.is_dir() or path.suffix == ".py") and path.stem:
            yield f"{_name(path)} has a name that says nothing"


def pure_modules() -> dict[Path, ast.Module]:
    """Return the modules whose docstring, or whose package's, declares them pure, with their trees."""
    trees = {path: ast.parse(path.read_text()) for path in modules()}
    declared = {path for path, tree in trees.items() if _is_declared_pure(tree)}
    packages = {path.parent for path in declared if path.name == "__init__.py"}
    pure = {path: tree for path, tree in trees.items() if path in declared or packages & set(path.parents)}
    return {path: tree for path, tree in pure.items() if "Not pure" not in (ast.get_docstring(tree) or "")}


def _is_declared_pure(tree: ast.Module) -> bool:
    return bool(PURE.search((ast.get_docstring(tree) or "").split("\n\n")[0]))


def pure_modules_read_no_clock() -> Iterator[str]:
    """A pure module takes the moment as an argument."""
    found = pure_modules()
    if len(found) < FEWEST_PURE:
        yield f"only {len(found)} modules are declared pure; there are at least {FEWEST_PURE}"
    for path, tree in found.items():
        for node in ast.walk(tree):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr in CLOCKS:
                yield f"{_name(path)}:{called.lineno} reads the clock"


def pure_modules_import_nothing_impure() -> Iterator[str]:
    """A pure module imports neither Django nor the network nor chance, directly or through others."""
    graph = grimp.build_graph("eclectyc", include_external_packages=True, exclude_type_checking_imports=True)
    known = [name for name in IMPURE if name in graph.modules]
    if "django" not in known:
        yield "the graph of imports knows no Django: the rule would hold nothing"
    for path in pure_modules():
        name = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
        for impure in known:
            if chain := graph.find_shortest_chain(importer=name, imported=impure):
                yield f"{_name(path)} is declared pure and imports {' → '.join(chain[1:])}"


def no_class_name_is_used_twice() -> Iterator[str]:
    """A class's name means one thing in the whole source."""
    places: dict[str, list[str]] = {}
    for path in modules():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(_name(path))
    yield from (f"class {name} is in {' and in '.join(found)}" for name, found in places.items() if len(found) > 1)


def texts_are_in_plain_english() -> Iterator[str]:
    """No coinage in what people read: source, templates and documents."""
    for pattern in PROSE:
        paths = [path for path in ROOT.glob(pattern) if path.is_file() and "migrations" not in path.parts]
        if not paths:
            yield f"{pattern} matches no file"
        for path in paths:
            if path.is_relative_to(VENDOR):
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                is_example = path.name == "CONTRIBUTING.md" and line.startswith("|")
                if not is_example and (found := COINAGES.search(PROMISED.sub("", line))):
                    yield f"{_name(path)}:{number} says {found.group(0)!r}"


def templates_are_narrow() -> Iterator[str]:
    """One element a line: no template line over 120 characters."""
    templates = sorted(SOURCE.rglob("templates/**/*.html"))
    if not templates:
        yield "there are no templates: the rule would hold nothing"
    for path in templates:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if len(line) > LONGEST_TEMPLATE_LINE:
                yield f"{_name(path)}:{number} has {len(line)} characters"


def the_formatter_has_its_way() -> Iterator[str]:
    """Few lines are kept from the formatter."""
    kept = [f"{_name(path)}" for path in modules() for line in path.read_text().splitlines() if "# fmt: skip" in line]
    if len(kept) > MOST_FMT_SKIPS:
        yield f"{len(kept)} times '# fmt: skip', over {MOST_FMT_SKIPS}: {', '.join(sorted(set(kept))[:10])} …"


def doors_ask_through_the_actor() -> Iterator[str]:
    """Pages and the API start every query from ``visible_to(actor)``."""
    for room in ("web", "api"):
        for path in (SOURCE / room).rglob("*.py"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if ".objects.all()" in line or re.search(r"\.objects\.(filter|get|exclude)\(", line):
                    yield f"{_name(path)}:{number} asks past visible_to(actor)"


def tests_are_not_skipped() -> Iterator[str]:
    """What a machine cannot run is left out by its marker and named; nothing is skipped by hand."""
    for path in (ROOT / "tests").rglob("*.py"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if path != Path(__file__).resolve() and re.search(
                r"pytest\.(skip|importorskip|xfail)|mark\.(skip|xfail)", line
            ):
                yield f"{_name(path)}:{number} skips a test"


def nothing_names_a_machine() -> Iterator[str]:
    """No path of somebody's own disk."""
    own = re.compile(r"(?<![\w./])/(?:work|root|home/\w+|Users/\w+)/\w+")
    for path in committed():
        if path.is_relative_to(VENDOR) or path == Path(__file__).resolve():
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if own.search(line):
                yield f"{_name(path)}:{number} names a folder of one machine: {line.strip()[:80]}"


def pages_link_to_what_is_there() -> Iterator[str]:
    """Relative links of the Markdown pages lead to files."""
    link = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")
    for path in committed():
        if path.suffix == ".md":
            for target in link.findall(path.read_text()):
                if not (path.parent / target).exists():
                    yield f"{_name(path)} links to {target}, which is not there"


def settings_are_explained() -> Iterator[str]:
    """Every setting stands in ``.env.example``."""
    from eclectyc.configuration import Configuration

    known = {str(field.validation_alias) for field in Configuration.model_fields.values()}
    explained = set(re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    yield from (f".env.example does not explain {name}" for name in sorted(known - explained))


def pages_name_commands_that_exist() -> Iterator[str]:
    """A command that the README shows is one that the program has."""
    import eclectyc.cli  # registers its commands
    from eclectyc.kernel.hooks import commands

    assert eclectyc.cli

    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(), re.DOTALL):
            for name in re.findall(r"\beclectyc ([a-z]+)", block):
                if name not in commands.names():
                    yield f"{_name(path)} shows eclectyc {name}, which is no command"


RULES: Final[tuple[Callable[[], Iterator[str]], ...]] = (
    lock_files_name_no_host,
    what_is_vendored_is_what_was_checked,
    functions_stay_readable,
    modules_stay_readable,
    modules_are_named_for_what_they_do,
    pure_modules_read_no_clock,
    pure_modules_import_nothing_impure,
    no_class_name_is_used_twice,
    texts_are_in_plain_english,
    templates_are_narrow,
    the_formatter_has_its_way,
    doors_ask_through_the_actor,
    tests_are_not_skipped,
    nothing_names_a_machine,
    pages_link_to_what_is_there,
    pages_name_commands_that_exist,
    settings_are_explained,
)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def main() -> int:
    """Print every fault; return 1 where there is any."""
    faults = [f"{fault}  [{rule.__name__}]" for rule in RULES for fault in rule()]
    print("\n".join(faults) or f"{len(RULES)} rules of the house are kept.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
