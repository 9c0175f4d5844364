"""What objects are called: `PATH/DATE_PATH/STAMP__TASK__STREAM__BEGIN__ORDINAL__CRC.EXTENSION`.

All of it comes from the payload and never from the clock, so a payload that is sent again is written over. CRC is the
CRC-32 of the body before compression: after a change of the filter, or of a task that has the name of an earlier one, a
payload may begin at the same record and hold others, and must take nothing away that was delivered. In a name all but
letters, digits, `.` and `-` is `_` and two hexadecimal digits; a long piece ends in `_-` and a hash. So different
origins have different names, and no piece can leave its folder.

Limits: a key 1,024 bytes of UTF-8 (S3), a part of it 255 (servers that keep files).
Specification: Amazon S3 "Naming Amazon S3 objects".
"""

import hashlib
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from logferry.model import Origin

__all__ = ["DATE_NAMES", "PATH_NAMES", "Naming", "folder", "mistake"]

PATH_NAMES = ("task",)
DATE_NAMES = ("yyyy", "MM", "dd", "HH", "mm", "task", "stream")

_TIMES = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M"}
_PIECE = 64  # bytes of an escaped piece
_KEY, _PART = 1024, 255
_NAME = 255  # bytes that an object's own name has at most
_BRACES = re.compile(r"\{([^{}]*)\}")
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # lone surrogates among them
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")


class Naming:
    """The names of one task's objects."""

    def __init__(self, task: str, path: str, date_path: str, extension: str) -> None:
        self._task, self._date_path, self._extension = task, date_path.removesuffix("/"), extension
        self.folder = folder(task, path)

    def key(self, origin: Origin, ordinal: int, body: bytes) -> str:
        """Of the payload with this body, whose first record is `ordinal`."""
        when = datetime.fromtimestamp(origin.time, UTC)
        pieces = [when.strftime("%Y%m%dT%H%M%SZ"), *map(_safe, (self._task, origin.stream, origin.begin))]
        name = "__".join((*pieces, f"{ordinal:08}", f"{zlib.crc32(body):08x}")) + self._extension
        values = {name: when.strftime(form) for name, form in _TIMES.items()}
        values |= {"task": _safe(self._task), "stream": _safe(origin.stream)}
        below = _filled(self._date_path, values.__getitem__)
        return "/".join(part for part in (self.folder, below, name) if part)


def folder(task: str, path: str) -> str:
    """The path with its placeholders filled, without a slash at its end."""
    return _filled(path.removesuffix("/"), {"task": _safe(task)}.__getitem__)


def mistake(template: str, names: tuple[str, ...], beside: str = "") -> str | None:
    """What is wrong with a path (which stands before `beside`), None if nothing."""
    return next(_mistakes(template, names, beside), None)


def _mistakes(template: str, names: tuple[str, ...], beside: str) -> Iterator[str]:
    for name in _BRACES.findall(template):
        if name not in names:
            yield f"{{{name[:20]}}} is not one of {', '.join(f'{{{one}}}' for one in names)}"
    longest = _longest(template.removesuffix("/"))
    parts = longest.split("/")
    if "{" in longest or "}" in longest:
        yield "has a brace that belongs to nothing"
    if "\\" in template or any(unicodedata.category(letter) in _UNSEEN for letter in template):
        yield "has a backslash or a character that cannot be seen"
    if template.startswith("/"):
        yield "begins with a slash: leave that out; for the root, leave the path out"
    if template and any(part in ("", ".", "..") for part in parts):
        yield "has an empty part, a . or a .."
    room = _KEY - _NAME - 2 - len(_longest(beside).encode(errors="replace"))
    sizes = [len(part.encode(errors="replace")) for part in parts]
    total = sum(sizes) + len(sizes) - 1
    if max(sizes) > _PART or total > room:
        yield f"is up to {total} bytes long; {room} are left of a key's {_KEY}, and {_PART} for each part"


def _longest(template: str) -> str:
    return _filled(template, lambda name: "0" * (_PIECE if name in ("task", "stream") else len(name)))


def _filled(template: str, value: Callable[[str], str]) -> str:
    return _BRACES.sub(lambda found: value(found[1]), template)


def _safe(text: str) -> str:
    """The text as a piece of a name: no two texts have the same."""
    raw = text.encode("utf-8", "surrogatepass")
    safe = "".join(chr(byte) if byte in _PLAIN else f"_{byte:02X}" for byte in raw)
    if len(safe) <= _PIECE and safe.strip("."):
        return safe
    digest = hashlib.sha256(raw).hexdigest()[:24]
    return f"{safe[: _PIECE - 26].rstrip('_.')}_-{digest}"
