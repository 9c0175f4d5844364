"""A template: text with `{FIELD}` where a value goes; `{{` and `}}` are braces.

Values are written on one line (CR and LF as backslash-r and -n, a backslash doubled), so that a record stays one
line; a value that is no text is compact JSON; an absent field is the `missing` text.
"""

import re
from collections.abc import Callable

from logferry.errors import ConfigError
from logferry.model import Record
from logferry.values import mend, one_line, text_of

__all__ = ["parse", "writer"]

_EXPECTED = "expected {FIELD}, and {{ or }} for a brace"


def parse(text: str) -> tuple[list[str], list[str]]:
    """(texts, names): texts[0] names[0] texts[1] … texts[-1]; ConfigError for a brace that belongs to nothing."""
    texts, names, end = [""], list[str](), 0
    for found in re.finditer(r"\{\{|\}\}|\{([^{}]{1,512})\}|[{}]", text):
        texts[-1] += text[end : found.start()]
        end = found.end()
        if found[1]:
            names.append(found[1])
            texts.append("")
        elif len(found[0]) == 2:
            texts[-1] += found[0][0]
        else:
            raise ConfigError([f"template: a lone {found[0]} at character {found.start() + 1}, {_EXPECTED}"])
    texts[-1] += text[end:]
    if not names:
        raise ConfigError([f"template: {text[:60]!r} names no field, {_EXPECTED}"])
    return texts, names


def writer(text: str, missing: str) -> Callable[[Record], bytes]:
    """What fills the template."""
    texts, names = parse(text)

    def write(record: Record) -> bytes:
        fields, parts = record.fields, [texts[0]]
        for name, after in zip(names, texts[1:], strict=True):
            parts += (one_line(text_of(fields[name])) if name in fields else missing, after)
        return mend("".join(parts)).encode()

    return write
