"""An imported filter as the lines of a task file: what other readers of YAML take for something else is quoted."""

import json
import re
from collections.abc import Iterator
from typing import Any

from logferry.filter_forms import Imported

__all__ = ["dump"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
# JSON leaves these as they are; YAML takes none of them, or ends a line there.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def dump(imported: Imported) -> str:
    """Stages of a task, as text."""
    lines = [f"# imported from {imported.form}" + ("" if imported.filter else ": lets every record through")]
    if imported.form == "esa_v1" and (joined := set(imported.filter or ()) & {"all", "any"}):
        lines.append(f"# its rules are joined by {joined.pop()}: how ESA joins them is not published")
    if imported.category is not None:
        lines.append(f"category: {imported.category}")
    if imported.filter is not None:
        lines += ["filter:", *_node(imported.filter, "  ", "  ")]
    if imported.sampling != "100%":
        lines.append(f"sampling: {imported.sampling}")
    if imported.fields is not None:
        lines.append(f"fields: [{', '.join(map(_word, imported.fields))}]")
    return "\n".join(lines) + "\n"


def _node(node: dict[str, Any], first: str, rest: str) -> Iterator[str]:
    """A condition on one line, a group with its members below; `first` stands before the first line."""
    kind = next((name for name in ("all", "any") if name in node), None)
    if kind is None:
        yield f"{first}{{field: {_word(node['field'])}, op: {_word(node['op'])}, value: {_text(node['value'])}}}"
        return
    yield f"{first}{kind}:"
    for member in node[kind]:
        yield from _node(member, f"{rest}  - ", f"{rest}    ")


def _word(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else _text(text)


def _text(value: object) -> str:
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
