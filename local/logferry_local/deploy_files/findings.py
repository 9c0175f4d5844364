"""One mistake of a deploy file: where it stands, what stands there, what was expected, and what to write instead.

A value that may be a secret is never in a finding: what stands in a function's environment under a name that is not
logferry's own, under a name that tells of a key, or what looks like a key.
"""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from logferry.expectations import show
from logferry_local.deploy_files.nodes import Node, Unknown

__all__ = ["HIDDEN", "Finding", "Notes", "is_reference", "is_secret_name", "may_be_secret", "shown"]

HIDDEN = "(not shown)"
_SHOWN = 60
_SECRET_WORDS = frozenset(
    ("token", "secret", "password", "passwd", "passphrase", "key", "keys", "credential", "credentials", "ak")
)
_ENVIRONMENT = re.compile(r"\.(?:environmentVariables|Environment\.Variables)\.(?P<name>[^.]+)$")
_HOLDERS = ("environmentVariables", "Environment", "Variables")  # as text: names and values in one
_KEY_FORM = re.compile(r"(?:LTAI|AKIA|ASIA|STS\.)[A-Za-z0-9]{12,}|-----BEGIN|(?<![\w/+])[A-Za-z0-9/+]{40}(?![\w/+])")
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])")
# A reference to a secret, as logferry and as the platforms have it; a default that is not empty would be the secret.
_REFERENCE = re.compile(
    r"(?:secret://[a-z]+/[^\s,]+(?:\s*,\s*secret://[a-z]+/[^\s,]+)*|\{\{resolve:[^{}]+\}\}"
    r"|\$\{vars\.\w+\}|\$\{env\(\s*['\"]?\w+['\"]?\s*(?:,\s*(?:''|\"\")?\s*)?\)\})"
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """One mistake."""

    file: str
    line: int  # from 1, as editors count
    column: int  # from 1
    key: str  # the path of the key, such as resources.forward.props.timeout
    value: str
    expected: str
    fix: str  # one sentence

    def text(self) -> str:
        """Two lines for people."""
        what = ": ".join(part for part in (self.key, self.value) if part)
        return f"{self.file}:{self.line}:{self.column}: {what}; expected {self.expected}\n    {self.fix}"

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return asdict(self)


class Notes:
    """The mistakes of one file; one that is met again by another way (an anchor, a variable) is told once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[tuple[int, int, str, str], Finding] = {}

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._found.values())

    def __bool__(self) -> bool:
        return bool(self._found)

    def at(self, node: Node, expected: str, fix: str, *, value: str | None = None) -> None:
        """The value of this node is wrong."""
        told = shown(node) if value is None else value
        self.add(node.line, node.column, (node.path, told), expected, fix)

    def key(self, node: Node, key: str, expected: str, fix: str, *, value: str = "") -> None:
        """The key of this mapping is wrong, or missing: then the mapping's own place is told."""
        line, column = node.keys.get(key, (node.line, node.column))
        self.add(line, column, (node.under(key), value), expected, fix)

    def add(self, line: int, column: int, what: tuple[str, str], expected: str, fix: str) -> None:
        """`what`: key and value."""
        made = Finding(file=self.file, line=line, column=column, key=what[0], value=what[1], expected=expected, fix=fix)
        self._found.setdefault((line, column, made.expected, made.fix), made)


def shown(node: Node) -> str:
    """The value as it is written, cut short; what may be a secret is not in it."""
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, list):
        return "a list"
    if node.value is None:
        return "nothing"
    if may_be_secret(node):
        return HIDDEN
    if isinstance(node.value, Unknown):
        return _cut(node.text or node.value.name)
    return show(node.text) if isinstance(node.value, str) else _cut(node.text)


def is_secret_name(name: str) -> bool:
    """Whether people put keys and tokens under such a name: SPLUNK_TOKEN, SLS_AK_ID, privateKey."""
    words = [word.lower() for word in _WORD.findall(name)]
    while words and words[-1] in ("id", "value", "text"):
        words.pop()
    return bool(words) and words[-1] in _SECRET_WORDS


def is_reference(text: str) -> bool:
    """Whether it says where the secret is, rather than being it."""
    return bool(_REFERENCE.fullmatch(text.strip()))


def may_be_secret(node: Node) -> bool:
    """Whether the value must not be shown."""
    if node.is_hidden:
        return True
    if _KEY_FORM.search(node.text) or (isinstance(node.value, str) and _KEY_FORM.search(node.value)):
        return True
    inside = _ENVIRONMENT.search(node.path)
    name = inside["name"] if inside else node.path.rpartition(".")[2]
    if name in _HOLDERS:
        return True
    is_own = name.startswith("LOGFERRY_") and not is_secret_name(name)
    return ((bool(inside) and not is_own) or is_secret_name(name)) and not is_reference(node.text)


def _cut(text: str) -> str:
    line = text.splitlines()[0] if text.splitlines() else ""
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."
