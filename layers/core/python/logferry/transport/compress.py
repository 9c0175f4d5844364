"""gzip for the wire: isal level 1, or zlib level 1 where isal is not installed.

Level 1 of isal is faster than zlib's and no larger; zlib level 6 costs as much as the whole decoding before it.
The same body gives the same bytes (no time stamp in the header), so that a repeat is a true repeat.
"""

from collections.abc import Callable
from functools import cache

__all__ = ["gzip", "gzip_by_isal", "gzip_by_zlib"]


def gzip(body: bytes) -> bytes:
    """`body` as one gzip member."""
    return _best()(body)


def gzip_by_isal(body: bytes) -> bytes:
    """The fast way; ImportError where isal is absent."""
    from isal import igzip

    packed: bytes = igzip.compress(body, 1, mtime=0)
    return packed


def gzip_by_zlib(body: bytes) -> bytes:
    """The standard library's way."""
    import gzip as standard

    return standard.compress(body, compresslevel=1, mtime=0)


@cache
def _best() -> Callable[[bytes], bytes]:
    try:
        gzip_by_isal(b"")
    except ImportError:
        return gzip_by_zlib
    return gzip_by_isal
