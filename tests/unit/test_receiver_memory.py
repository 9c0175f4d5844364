"""What posts at once cost: those that wait for their turn hold no more than came."""

import gzip
import threading
import tracemalloc
from pathlib import Path

from tests.fakes.receiving import landing

from logferry.model import Payload

_RECORD = b'{"pad":"%b"}' % (b"0" * 90_000)
_RECORDS, _POSTS = 90, 6  # 8 MB each when unpacked, a few KB as they come


def test_posts_that_wait_are_not_unpacked(tmp_path: Path) -> None:
    """Six posts at once of 8 MB each, while the destination keeps the first waiting: one of them is in memory."""
    packed = gzip.compress(b"\n".join([_RECORD] * _RECORDS))
    busy, go_on = threading.Event(), threading.Event()
    answers: list[int] = []

    def slow(_payload: Payload) -> None:
        busy.set()
        assert go_on.wait(10)

    with landing(tmp_path) as here:
        here.apply()
        here.to.judge = slow
        threads = [threading.Thread(target=lambda: answers.append(here.post(packed).status)) for _ in range(_POSTS)]
        tracemalloc.start()
        try:
            for thread in threads:
                thread.start()
            assert busy.wait(10)
            for thread in threads:
                thread.join(0.2)
            held, _peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            here.to.judge = lambda _payload: None
            go_on.set()
            for thread in threads:
                thread.join(20)
        assert sorted(answers) == [200] * _POSTS
    assert held < 3 * _RECORDS * len(_RECORD)
