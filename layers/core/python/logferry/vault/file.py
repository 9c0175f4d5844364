"""`secret://file/PATH`: a file's text (a mounted secret). PATH is absolute: `secret://file/run/secrets/token`."""

from collections.abc import Mapping
from pathlib import Path

__all__ = ["read"]

_MAX_BYTES = 65_536


def read(rest: str, environ: Mapping[str, str]) -> str:  # noqa: ARG001  # the same signature in every file of this room
    """The file's text without the trailing newline; at most 64 KiB."""
    path = Path("/" + rest.lstrip("/"))
    try:
        with path.open("rb") as file:
            body = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise LookupError(f"cannot read {path} ({error.strerror}): create it, readable by this user") from None
    if len(body) > _MAX_BYTES:
        raise LookupError(f"{path} is larger than {_MAX_BYTES} bytes: it is not a secret")
    try:
        text = body.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise LookupError(f"{path} is not UTF-8 text") from None
    if not text:
        raise LookupError(f"{path} is empty")
    return text
