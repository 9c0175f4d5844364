"""A query's text as tokens: names, quoted names, texts, numbers, symbols. Blanks and comments are left out.

'...' is a text, "..." a field's name; a quote within is written twice. `--` comments to the end of the line.
"""

import re
from typing import Literal, NamedTuple

from logferry_local.spl.errors import mismatch

__all__ = ["Token", "tokens"]

Kind = Literal["name", "quoted", "text", "number", "symbol", "end"]
_KINDS: tuple[Kind, ...] = ("name", "quoted", "text", "number", "symbol")
_TOKEN = re.compile(
    r"""(?P<blank>\s+|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<quoted>"(?:[^"]|"")*")
      | (?P<text>'(?:[^']|'')*')
      | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?(?![A-Za-z0-9_]))
      | (?P<symbol><=|>=|<>|!=|\|\||[|;,()=<>+\-*/%])""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """One token; `value` is what it says without quotes, `offset` where it starts."""

    kind: Kind
    value: str
    offset: int
    end: int


def tokens(text: str) -> list[Token]:
    """All tokens and an end mark; SplError."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            mismatch(text, at, text[at : at + 20], _hint(text[at]))
        kind = next((kind for kind in _KINDS if match[kind] is not None), None)
        if kind is not None:
            found.append(Token(kind, _value(kind, match[0]), at, match.end()))
        at = match.end()
    return [*found, Token("end", "<EOF>", at, at)]


def _value(kind: Kind, raw: str) -> str:
    if kind in ("text", "quoted"):
        return raw[1:-1].replace(raw[0] * 2, raw[0])
    return raw


def _hint(first: str) -> str:
    if first in "'\"":
        return f"a closing {first}"
    return (
        "a field name (in double quotes if it has more than letters, digits and _), a 'text', a number or an operator"
    )
