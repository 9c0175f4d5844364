"""`secret://file/PATH`: a file's text (a mounted secret). PATH is absolute: `secret://file/run/secrets/token`."""

from collections.abc import Mapping
from pathlib import Path

__all__ = ["KEPT", "read"]

KEPT = 0.0
_MAX_BYTES = 65_536
_KERNEL = ("proc", "sys", "dev")  # among them /proc/self/environ: all variables of the function at once


def read(rest: str, environ: Mapping[str, str]) -> str:  # noqa: ARG001  # the same signature in every file of this room
    """The file's text without newlines at its end; at most 64 KiB."""
    path = Path("/" + rest.lstrip("/"))
    try:
        if path.resolve().parts[1:2] and path.resolve().parts[1] in _KERNEL:
            raise LookupError(f"{path} is no file of a person's: a secret is not read from /{', /'.join(_KERNEL)}")
        with path.open("rb") as file:
            body = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or "not a path"
        raise LookupError(f"cannot read {str(path)!r} ({reason}): create it, readable by this user") from None
    if len(body) > _MAX_BYTES:
        raise LookupError(f"{path} is larger than {_MAX_BYTES} bytes: it is not a secret")
    try:
        text = body.decode("utf-8-sig").rstrip("\r\n")  # editors on Windows put a mark before the text
    except UnicodeDecodeError:
        raise LookupError(f"{path} is not UTF-8 text") from None
    if not text:
        raise LookupError(f"{path} is empty")
    return text
