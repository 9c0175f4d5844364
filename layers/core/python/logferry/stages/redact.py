"""Redaction: what must not leave, by field or by pattern, dropped, masked, or hashed so that one can still join.

A hash is the first half of HMAC-SHA-256 over the text in UTF-8, in hexadecimal: 32 digits, the same for one text and
key in every field, task and place. A field that a rule names as a whole is not looked at by patterns; these look at
texts (and whole numbers) however deep in lists and mappings, not at names. Missing marks stay.
Limits: 64 levels of lists and mappings, what lies deeper is masked; a key of at least 16 characters.
"""

import hmac
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import accumulate
from typing import Annotated, Literal

import msgspec
from msgspec import Struct

from logferry.config import Config, SecretRef
from logferry.errors import Misconfigured
from logferry.model import Value
from logferry.values import is_missing, text_of
from logferry.vault import Vault

__all__ = ["MASK", "Rule", "doubles", "redacted"]

MASK = "***"
_LEAST_KEY = 16  # characters: addresses are so few that a key which can be guessed hides none
_DEEPEST = 64

Write = Callable[[str], str]

_Field = Annotated[str, msgspec.Meta(min_length=1, max_length=512, description="the name of a field")]
_Fields = Annotated[
    tuple[_Field, ...], msgspec.Meta(min_length=1, max_length=500, description="a list of 1-500 field names")
]


class Rule(Config, frozen=True):
    """Whole fields, or (with a pattern) what the pattern finds in them; without fields, in all."""

    action: Literal["drop", "mask", "hash"]
    fields: _Fields | None = None
    pattern: Literal["ip", "email", "card"] | None = None
    key: SecretRef | None = None

    def problems(self) -> list[str]:
        """Something to redact; a key exactly where one is used."""
        found = []
        if self.fields is None and self.pattern is None:
            found.append("fields: is missing, expected fields, a pattern, or both")
        if self.action == "hash" and self.key is None:
            found.append("key: is missing, a hash needs secret://env/NAME or secret://file/PATH")
        if self.action != "hash" and self.key is not None:
            found.append(f"key: is of no use with action {self.action}, only with hash")
        return found


class _Search(Struct, frozen=True):
    find: Callable[[str], Iterable[tuple[int, int]]]
    write: Write


def doubles(rules: Iterable[Rule]) -> list[str]:
    """Fields that more than one rule takes as a whole."""
    names = [name for rule in rules if rule.pattern is None for name in rule.fields or ()]
    return sorted({name for name in names if names.count(name) > 1})


def redacted(rules: Sequence[Rule], vault: Vault) -> Callable[[dict[str, Value]], dict[str, Value]]:
    """A step that keeps all rules. Misconfigured if a key is missing or short."""
    from logferry.stages.patterns import FINDERS  # here: compiling them would cost every cold start 4 ms

    whole = {name: rule for rule in rules if rule.pattern is None for name in rule.fields or ()}
    searches = [(rule.fields, _Search(FINDERS[rule.pattern], _writer(rule, vault))) for rule in rules if rule.pattern]
    general = [search for names, search in searches if names is None]
    named = {name for names, _ in searches for name in names or ()} - whole.keys()
    special = {name: [search for names, search in searches if names is None or name in names] for name in named}
    apart = whole.keys() | named
    hashed = {name: _writer(rule, vault) for name, rule in whole.items() if rule.action == "hash"}

    def step(fields: dict[str, Value]) -> dict[str, Value]:
        for name in whole.keys() & fields.keys():
            if whole[name].action == "drop":
                del fields[name]
            elif name in hashed:
                fields[name] = _mapped(fields[name], hashed[name])
            elif not is_missing(fields[name]):
                fields[name] = MASK
        for name in special.keys() & fields.keys():
            fields[name] = _mapped(fields[name], partial(_replaced, special[name]))
        if general:
            for name in _held([(name, value) for name, value in fields.items() if name not in apart], general):
                fields[name] = _mapped(fields[name], partial(_replaced, general))
        return fields

    return step


def _held(fields: Sequence[tuple[str, Value]], searches: Sequence[_Search]) -> set[str]:
    """Names of the fields that hold a find. All texts are searched at once: most records hold none, most fields too."""
    texts = [(name, value) for name, value in fields if isinstance(value, str)]
    found = {name for name, value in fields if not isinstance(value, str)}  # not joined: looked at one by one
    joined = "\n".join([value for _, value in texts])  # no find goes across lines
    begins = [begin for search in searches for begin, _ in search.find(joined)]
    if begins:
        ends = list(accumulate(len(value) + 1 for _, value in texts))
        found.update(texts[bisect_right(ends, begin)][0] for begin in begins)
    return found


def _mapped(value: Value, write: Write, depth: int = 0) -> Value:
    """Each text within, written anew; whole numbers and truth values too, if that changes them."""
    if isinstance(value, str):
        return value if is_missing(value) else write(value)
    if isinstance(value, list | dict) and depth >= _DEEPEST:
        return MASK
    if isinstance(value, list):
        return [_mapped(each, write, depth + 1) for each in value]
    if isinstance(value, dict):
        return {name: _mapped(each, write, depth + 1) for name, each in value.items()}
    if value is None:
        return None
    text = text_of(value)
    written = write(text)
    return value if written == text else written


def _replaced(searches: Sequence[_Search], text: str) -> str:
    """All that any of them finds, written by whose find begins first; finds that overlap are one."""
    spans = [(begin, -end, number) for number, search in enumerate(searches) for begin, end in search.find(text)]
    if not spans:
        return text
    merged: list[tuple[int, int, int]] = []
    for begin, minus_end, number in sorted(spans):
        if merged and begin < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], -minus_end), merged[-1][2])
        else:
            merged.append((begin, -minus_end, number))
    parts, at = list[str](), 0
    for begin, end, number in merged:
        parts += (text[at:begin], searches[number].write(text[begin:end]))
        at = end
    return "".join(parts) + text[at:]


def _writer(rule: Rule, vault: Vault) -> Write:
    if rule.action == "hash" and rule.key is not None:
        secret = vault.resolve(rule.key)
        if len(secret.reveal()) < _LEAST_KEY:
            raise Misconfigured(f"{rule.key}: a key of redaction has at least {_LEAST_KEY} characters")
        return lambda text: _digest(secret.reveal(), text)
    return lambda _text: MASK if rule.action == "mask" else ""


def _digest(key: str, text: str) -> str:
    return hmac.digest(key.encode(), text.encode("utf-8", "replace"), "sha256").hex()[:32]
