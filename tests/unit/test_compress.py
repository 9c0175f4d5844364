"""gzip for the wire."""

import gzip as standard
from collections.abc import Callable

import pytest

from logferry.transport import compress

BODY = b'{"time":1774426530,"event":{"a":"b"}}\n' * 1000


@pytest.mark.parametrize("pack", [compress.gzip, compress.gzip_by_isal, compress.gzip_by_zlib])
def test_gzip_unpacks_to_the_same_bytes(pack: Callable[[bytes], bytes]) -> None:
    """Any gzip reader gets the body back, and it is smaller on the way."""
    assert standard.decompress(pack(BODY)) == BODY
    assert len(pack(BODY)) < len(BODY) // 20


@pytest.mark.parametrize("pack", [compress.gzip_by_isal, compress.gzip_by_zlib])
def test_gzip_has_no_time_stamp(pack: Callable[[bytes], bytes]) -> None:
    """The header's time is zero, so the same body gives the same bytes at any time."""
    assert pack(BODY)[4:8] == b"\0\0\0\0"


def test_isal_is_the_one_in_use() -> None:
    """With isal installed (it is a dependency) the fast way is taken."""
    assert compress.gzip(BODY) == compress.gzip_by_isal(BODY)
