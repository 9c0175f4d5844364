"""One edit in a deploy file, its place found by the path of its key: `resources.forward.props.triggers[0].triggerName`.

The places come from PyYAML's own marks, so that they do not depend on what is tested.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
FILES = {"fc": "s.yaml", "aws": "template.yaml"}


class Edited(NamedTuple):
    """A text after an edit, and the line of the edit."""

    text: str
    line: int


@dataclass(frozen=True)
class Spot:
    """Where a key and its value stand."""

    key: yaml.Node
    value: yaml.Node


@cache
def text_of(cloud: str) -> str:
    """The real file."""
    return (ROOT / FILES[cloud]).read_text(encoding="utf-8")


@cache
def _tree(cloud: str) -> yaml.Node:
    made = yaml.compose(text_of(cloud), yaml.SafeLoader)
    assert made is not None
    return made


def spot(cloud: str, path: str) -> Spot:
    """The key at the path; `[2]` is an entry of a list, `[name=x]` the one that has this."""
    node = key = _tree(cloud)
    for part in re.findall(r"\[[^]]+\]|[^.\[]+", path):
        if part.startswith("["):
            assert isinstance(node, yaml.SequenceNode), path
            name, _, wanted = part[1:-1].partition("=")
            node = key = (
                next(item for item in node.value if _has(item, name, wanted)) if wanted else node.value[int(name)]
            )
        else:
            key, node = next(pair for pair in node.value if pair[0].value == part)
    return Spot(key, node)


def _has(item: yaml.Node, name: str, wanted: str) -> bool:
    return any(key.value == name and value.value == wanted for key, value in item.value)


def put(cloud: str, path: str, written: str) -> Edited:
    """Write another value."""
    found, text = spot(cloud, path).value, text_of(cloud)
    start = found.start_mark.index
    length = len(text[start : found.end_mark.index].rstrip())  # a block ends where the next one begins
    return Edited(text[:start] + written + text[start + length :], found.start_mark.line + 1)


def rename(cloud: str, path: str, name: str) -> Edited:
    """Write another key."""
    found, text = spot(cloud, path).key, text_of(cloud)
    return Edited(text[: found.start_mark.index] + name + text[found.end_mark.index :], found.start_mark.line + 1)


def remove(cloud: str, path: str) -> Edited:
    """Take a key out; the line is its mapping's, whose first key must be another."""
    found, lines = spot(cloud, path), text_of(cloud).splitlines(keepends=True)
    first, last = found.key.start_mark.line, found.value.end_mark.line
    if isinstance(found.value, yaml.ScalarNode) or getattr(found.value, "flow_style", False):
        last += 1
    while last > first + 1 and (not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#")):
        last -= 1
    holder = spot(cloud, re.sub(r"(\.[^.\[]+|\[[^]]+\])$", "", path)).value
    assert holder.start_mark.line != first, path
    return Edited("".join(lines[:first] + lines[last:]), holder.start_mark.line + 1)


def add(cloud: str, path: str, written: str) -> Edited:
    """Write lines before the first key of a mapping, or before the first entry of a list."""
    found, lines = spot(cloud, path).value, text_of(cloud).splitlines(keepends=True)
    at, blanks = found.value[0], found.start_mark.column
    first = (at[0] if isinstance(at, tuple) else at).start_mark
    if isinstance(at, tuple):
        blanks = first.column
    made = [" " * blanks + line + "\n" for line in written.splitlines()]
    # After a list's dash there is no line of its own: the first key goes below.
    line = first.line + (1 if lines[first.line].lstrip().startswith("- ") and isinstance(at, tuple) else 0)
    return Edited("".join(lines[:line] + made + lines[line:]), line + 1)


def after(cloud: str, path: str, written: str) -> Edited:
    """Write a line behind the one of a key, in the same column."""
    found, lines = spot(cloud, path).key.start_mark, text_of(cloud).splitlines(keepends=True)
    at = found.line + 1
    return Edited("".join([*lines[:at], " " * found.column + written + "\n", *lines[at:]]), at + 1)


def within(cloud: str, path: str, change: str) -> Edited:
    """Write other text in the line of a key: `old => new`."""
    (old, new), lines = change.split(" => "), text_of(cloud).splitlines(keepends=True)
    at = spot(cloud, path).key.start_mark.line
    assert old in lines[at], lines[at]
    lines[at] = lines[at].replace(old, new)
    return Edited("".join(lines), at + 1)
