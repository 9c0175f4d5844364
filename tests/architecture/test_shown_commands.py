"""Commands in the documentation: each exists with its options, and each that exists is documented."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer.main

from logferry_local.cli import app

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
BLOCK = re.compile(r"^ *```(?:sh|bash|console|shell|)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:logferry|make) [^`]+)`")
COMMAND = re.compile(r"(?:^|[\s$(=])(?:\.venv/bin/)?((?:logferry|make) .*)")
END = re.compile(r"\s{2,}|\s#|\s&|\s*[>;)]|\s\|\s|,? then ")  # where a shown command stops
OPTIONS_PAGE = {
    "backfill": "backfill.md", "dead": "dead-letters.md", "demo": "demo.md", "deploy": "deploy-check.md",
    "fields": "log-categories.md", "filter": "filter-import.md", "invoke": "deploy.md", "ledger": "ledger.md",
    "ots": "state.md", "package": "deploy.md",
    "run": "worker.md", "serve": "receive.md", "sign": "signing.md", "sink": "sinks.md", "sls": "embedded-sls.md",
    "status": "operations.md", "task": "tasks.md", "triggers": "triggers.md",
}  # fmt: skip


class Shown(NamedTuple):
    """A command as a page shows it."""

    page: str
    text: str


class Leaf(NamedTuple):
    """A command that does something."""

    path: tuple[str, ...]
    options: frozenset[str]


@cache
def leaves() -> tuple[Leaf, ...]:
    """Every command of the app, groups opened."""

    def walk(node: Any, path: tuple[str, ...]) -> Iterator[Leaf]:  # noqa: ANN401  # typer's own click types
        for name, child in getattr(node, "commands", {}).items():
            yield from walk(child, (*path, name))
        if not hasattr(node, "commands"):
            names = (name for parameter in node.params for name in (*parameter.opts, *parameter.secondary_opts))
            yield Leaf(path, frozenset(name for name in names if name.startswith("--")) - {"--help"})

    return tuple(walk(typer.main.get_command(app()), ()))


@cache
def shown() -> tuple[Shown, ...]:
    """Every command in a block for the shell, or in backticks."""
    found = []
    for page in PAGES:
        text, name = page.read_text(encoding="utf-8"), str(page.relative_to(ROOT))
        lines = [line for block in BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
        commands = [match[1] for line in lines if not line.lstrip().startswith("#") and (match := COMMAND.search(line))]
        found += [Shown(name, END.split(command)[0]) for command in [*commands, *INLINE.findall(text)]]
    return tuple(found)


def meant(words: list[str]) -> list[Leaf]:
    """The commands that such words can mean: `sls serve|put` is two, `sink NAME` and `task` are all of their group."""
    found = list(leaves())
    for taken, word in enumerate(words):
        if word.startswith("-") or all(len(leaf.path) <= taken for leaf in found):
            break
        names = word.split("|")
        if not word.isupper() and word != "…":
            found = [leaf for leaf in found if leaf.path[taken : taken + 1] in [(name,) for name in names]]
            assert {leaf.path[taken] for leaf in found} == set(names), f"no such command: {word}"
    return found


def run_by_make(words: list[str]) -> list[str]:
    """The command line behind a make target, with what is handed over in ARGS; [] if it is none of ours."""
    recipe = re.search(rf"^{words[0]}:.*\n\t@?\$\(BIN\)/logferry (.*)", MAKEFILE, re.MULTILINE)
    given = re.search(r'ARGS="([^"]*)"', " ".join(words))
    return [*recipe[1].split("$")[0].split(), *(given[1].split() if given else [])] if recipe else []


def unknown_options(words: list[str]) -> list[str]:
    """Options of a command line that none of the commands it can mean has."""
    options = frozenset().union(*(leaf.options for leaf in meant(words)), ["--help"])
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in options]


@pytest.mark.parametrize("example", shown(), ids=lambda example: f"{example.page}: {example.text}")
def test_a_shown_command_exists(example: Shown) -> None:
    """Sub-commands, options, make targets, variables, sample events: all that a reader would type."""
    program, *words = re.sub(r"[\[\]]", "", example.text).split()
    if program == "make":
        targets = re.sub(r'[A-Z]+=("[^"]*"|\S*)', "", " ".join(words)).split()
        assert set(targets) <= TARGETS
        assert [name for name in re.findall(r"([A-Z]+)=", example.text) if f"$({name})" not in MAKEFILE] == []
        words = run_by_make(words)
    assert unknown_options(words) == []
    assert [word for word in words if word.startswith("events/") and not (ROOT / word).exists()] == []


def test_examples_are_found() -> None:
    """The pages are read at all: blocks and backticks, both programs."""
    assert len(shown()) > 60
    assert {"make demo", "logferry sink syslog --port 1468 --out syslog.ndjson"} <= {
        example.text for example in shown()
    }


@pytest.mark.parametrize("wrong", ["logferry tusk list", "logferry task lost", "logferry sls serve --dat x"])
def test_a_wrong_example_would_be_seen(wrong: str) -> None:
    """The check can fail."""
    with pytest.raises(AssertionError):
        test_a_shown_command_exists(Shown("nowhere", wrong))


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: " ".join(leaf.path))
def test_every_command_is_documented(leaf: Leaf) -> None:
    """Its options on the page of its group, its exit codes on theirs."""
    page = (DOCS / OPTIONS_PAGE[leaf.path[0]]).read_text(encoding="utf-8")
    assert " ".join(("logferry", *leaf.path[:1])) in page
    assert sorted(name for name in leaf.options if not re.search(rf"{name}(?![\w-])", page)) == []
    codes = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    assert f"| `logferry {' '.join(leaf.path)}` |" in codes


def test_every_exit_code_is_of_a_command() -> None:
    """No row is left of a command that is gone."""
    rows = re.findall(
        r"^\| `logferry ([a-z_ ]+)` \|", (DOCS / "exit-codes.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(rows) == sorted(" ".join(leaf.path) for leaf in leaves())


def test_every_make_target_explains_itself() -> None:
    """`make` alone lists all of them, and README says so."""
    assert set(re.findall(r"^([a-z-]+):.*## \S", MAKEFILE, re.MULTILINE)) == TARGETS
    assert "`make` alone" in (ROOT / "README.md").read_text(encoding="utf-8")
