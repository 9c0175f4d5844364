"""docs/operations.md lists every log line of the library and of the worker, with its level and what to do."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/operations.md"
# What delivers. The embedded log store, the sinks and the trigger runner are tools of one machine with own logs.
FOLDERS = (
    "layers/core/python/logferry", "functions", "local/logferry_local/worker", "local/logferry_local/backfill",
    "local/logferry_local/serving",
)  # fmt: skip
LEVELS = {"debug", "info", "warning", "error", "warning or error"}
# Calls whose message comes from elsewhere: that place is looked at instead.
HANDED_ON = {"local/logferry_local/worker/complaints.py": 2, "layers/core/python/logferry/runtime/log_lines.py": 0}


def is_log(call: ast.Call) -> bool:
    """`log.warning(…)`, `self._log.error(…)`, `self._complaints.say(…)`: whatever writes a log line."""
    if not isinstance(call.func, ast.Attribute):
        return False
    owner = call.func.value
    name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
    levels = {"debug", "info", "warning", "error", "exception", "critical", "log"}
    return (name.lower().endswith(("log", "logger", "_root")) and call.func.attr in levels) or (
        name.endswith("complaints") and call.func.attr == "say"
    )


def level_of(call: ast.Call) -> str:
    """The level as the page spells it; one that depends on the trouble is both."""
    attribute = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return {"exception": "error", "log": "warning or error", "say": "warning or error"}.get(attribute, attribute)


def lines_of(path: Path) -> Iterator[tuple[str | None, str]]:
    """(message, level) of each log call of a file; None for a message that is no constant."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and is_log(call) and isinstance(call.func, ast.Attribute):
            message = call.args[1 if call.func.attr == "log" else 0]
            yield str(message.value) if isinstance(message, ast.Constant) else None, level_of(call)


@cache
def written() -> dict[str, set[str]]:
    """message -> levels, in the code."""
    found: dict[str, set[str]] = {}
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        for message, level in lines_of(path):
            if message is not None:
                found.setdefault(message, set()).add(level)
    return found


@cache
def listed() -> dict[str, tuple[str, str]]:
    """message -> (level, what to do), on the page."""
    section = PAGE.read_text(encoding="utf-8").partition("## Log lines")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^`|]+)` \| ([a-z ]+) \| ([^|]+) \|([^|]*)\|$", section, re.MULTILINE)
    return {message: (level, do.strip()) for message, level, _, do in rows}


def test_log_lines_are_found() -> None:
    """The code is read at all, and the page too."""
    assert len(written()) > 20
    assert len(listed()) > 20


def test_every_log_line_is_listed_with_its_level() -> None:
    """Whoever sees a line finds it; one written at two levels is listed as `warning or error`."""
    found = {message: levels.pop() if len(levels) == 1 else "warning or error" for message, levels in
             ((message, set(levels)) for message, levels in written().items())}  # fmt: skip
    assert {message: level for message, (level, _) in listed().items()} == found


def test_every_message_is_a_constant() -> None:
    """What is made up of parts cannot be looked for; values belong into `extra`."""
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    counted = {str(path.relative_to(ROOT)): sum(message is None for message, _ in lines_of(path)) for path in files}
    assert {name: count for name, count in counted.items() if count > HANDED_ON.get(name, 0)} == {}


@pytest.mark.parametrize("message", sorted(listed()))
def test_a_line_that_wants_a_person_says_what_to_do(message: str) -> None:
    """An error without an action would only frighten; every level is one of the stated rule."""
    level, do = listed()[message]
    assert level in LEVELS
    assert level in ("debug", "info") or len(do) > 10


def test_a_line_that_is_not_listed_would_be_seen(tmp_path: Path) -> None:
    """The check can fail."""
    (tmp_path / "x.py").write_text(
        'log.error("a new line", extra={})\nself._complaints.say("another", error)\nlog.info(text)'
    )
    assert list(lines_of(tmp_path / "x.py")) == [
        ("a new line", "error"), ("another", "warning or error"), (None, "info")
    ]  # fmt: skip
