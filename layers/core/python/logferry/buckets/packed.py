"""How an object's body is compressed, and what it is called then.

A compressed object is a file that happens to be compressed: no `Content-Encoding`, which would make some clients
inflate it silently while its name still ends in `.gz`.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

from logferry.encoders.output import Output
from logferry.transport import compress

__all__ = ["Compression", "Form", "form_of"]

Compression = Literal["gzip", "zstd", "none", "no"]

_TYPES = {
    ".ndjson": "application/x-ndjson", ".json": "application/json", ".csv": "text/csv; charset=utf-8",
    ".log": "text/plain; charset=utf-8",
}  # fmt: skip


class Form(NamedTuple):
    """Of an object: the end of its name, its Content-Type, and what makes its body."""

    extension: str
    content_type: str
    pack: Callable[[bytes], bytes]


def form_of(output: Output, compression: Compression) -> Form:
    """The form for these options."""
    plain = {"csv": ".csv", "template": ".log"}.get(output.format, ".ndjson")
    if output.format == "ndjson" and output.prefix and output.suffix:
        plain = ".json"  # such as an array
    if compression == "gzip":
        return Form(f"{plain}.gz", "application/gzip", compress.gzip)
    if compression == "zstd":
        return Form(f"{plain}.zst", "application/zstd", partial(compress.pack, "zstd"))
    return Form(plain, _TYPES[plain], partial(compress.pack, "none"))
