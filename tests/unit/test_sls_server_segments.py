"""The embedded log store's files: what a crash or a flipped bit does to them."""

import logging
from pathlib import Path

import pytest

from logferry_local.sls_server.segments import Damaged
from logferry_local.sls_server.shards import JUMP, OutOfRange, Pull, Shard

FIRST = 1_700_000_000 * 10**9


def opened(folder: Path, segment_bytes: int = 1 << 20) -> Shard:
    """The shard of this folder, as a start finds it."""
    return Shard(folder, FIRST, segment_bytes=segment_bytes)


def filled(folder: Path, groups: int, segment_bytes: int = 1 << 20) -> Shard:
    """A shard with groups `b"<0>"`, `b"<1>"`, …, one a second from time 1,700,000,000 on."""
    shard = opened(folder, segment_bytes)
    for ordinal in range(groups):
        shard.append([b"<%d>" % ordinal], 1_700_000_000 + ordinal)
    return shard


def everything(shard: Shard) -> bytes:
    """All groups, pull by pull."""
    at, found = shard.begin, b""
    for _ in range(1000):
        reading = shard.reading(Pull(at, None, 1000, 1 << 20))
        found, at = found + reading.body(), reading.next
        if at == shard.end:
            return found
    raise AssertionError("the end was never reached")


def only_file(folder: Path) -> Path:
    """The one segment."""
    (path,) = folder.glob("*.seg")
    return path


def test_groups_come_back_in_order_after_a_restart(tmp_path: Path) -> None:
    """An orderly close and a new start lose nothing and go on with the next number."""
    filled(tmp_path, 5).close()
    shard = opened(tmp_path)
    assert (shard.begin, shard.end) == (FIRST, FIRST + 5)
    shard.append([b"<5>"], 1_700_000_005)
    assert everything(shard) == b"<0><1><2><3><4><5>"
    shard.close()


def test_full_segments_roll_over(tmp_path: Path) -> None:
    """A segment that has reached its size is followed by another, and reading goes across them."""
    shard = filled(tmp_path, 40, segment_bytes=200)
    assert len(list(tmp_path.glob("*.seg"))) > 5
    expected = b"".join(b"<%d>" % ordinal for ordinal in range(40))
    assert everything(shard) == expected
    shard.close()
    again = opened(tmp_path, 200)
    assert everything(again) == expected
    again.close()


@pytest.mark.parametrize("lost", [1, 3, 20, 34])
def test_torn_tail_is_cut_with_a_log_line(tmp_path: Path, caplog: pytest.LogCaptureFixture, lost: int) -> None:
    """A last group that was not written to its end is removed, whatever part is missing, and the log says so."""
    filled(tmp_path, 3).close()
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-lost])
    with caplog.at_level(logging.WARNING):
        shard = opened(tmp_path)
    assert everything(shard)[:6] == b"<0><1>"
    assert b"<2>" not in everything(shard)
    assert "torn tail" in caplog.text
    shard.close()


def test_writing_goes_on_after_a_torn_tail(tmp_path: Path) -> None:
    """After the cut a new group is readable, and so it is after the next start."""
    filled(tmp_path, 2).close()
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes() + b"\xf5LG\nhalf")
    shard = opened(tmp_path)
    shard.append([b"<new>"], 1_700_000_100)
    shard.close()
    again = opened(tmp_path)
    assert everything(again) == b"<0><1><new>"
    again.close()


def test_numbers_jump_after_a_crash(tmp_path: Path) -> None:
    """Numbers that may have been read before a crash are not given to other groups; such a position stays valid."""
    filled(tmp_path, 3)  # never closed
    shard = opened(tmp_path)
    assert shard.end == FIRST + 3 + JUMP
    shard.append([b"<new>"], 1_700_000_100)
    assert shard.reading(Pull(FIRST + 17, None, 10, 1000)).body() == b"<new>"
    assert everything(shard) == b"<0><1><2><new>"
    shard.close()


def test_flipped_bit_is_never_served(tmp_path: Path) -> None:
    """A group whose bytes changed on disk raises; the groups around it are served."""
    filled(tmp_path, 4).close()
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"<1>", b"<9>"))
    shard = opened(tmp_path)
    assert shard.reading(Pull(FIRST, None, 1, 1000)).body() == b"<0>"
    with pytest.raises(Damaged, match=f"group {FIRST + 1}"):
        shard.reading(Pull(FIRST, None, 10, 1000)).body()
    assert shard.reading(Pull(FIRST + 2, None, 10, 1000)).body() == b"<2><3>"
    shard.close()


def test_damaged_header_costs_only_its_own_groups(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With a header destroyed in the middle, later groups are found again under their own numbers."""
    filled(tmp_path, 4).close()
    path = only_file(tmp_path)
    content = bytearray(path.read_bytes())
    content[content.index(b"<1>") - 20] ^= 0xFF
    path.write_bytes(content)
    with caplog.at_level(logging.ERROR):
        shard = opened(tmp_path)
    assert [record.__dict__["groups"] for record in caplog.records] == [1]
    assert shard.end == FIRST + 4
    assert shard.reading(Pull(FIRST + 2, None, 10, 1000)).body() == b"<2><3>"
    with pytest.raises(Damaged):
        shard.reading(Pull(FIRST + 1, None, 1, 1000)).body()
    shard.close()


def test_file_that_was_never_begun_is_removed(tmp_path: Path) -> None:
    """A segment that a crash left empty does not stop the start."""
    filled(tmp_path, 2).close()
    (tmp_path / f"{FIRST + 2:020d}.seg").touch()
    shard = opened(tmp_path)
    assert everything(shard) == b"<0><1>"
    shard.close()


def test_pull_is_capped_by_count_and_bytes(tmp_path: Path) -> None:
    """An answer holds at most `count` groups and `max_bytes` bytes, but always one group."""
    shard = filled(tmp_path, 6)
    assert shard.reading(Pull(FIRST, None, 2, 1000)).body() == b"<0><1>"
    assert shard.reading(Pull(FIRST, None, 10, 7)).body() == b"<0><1>"
    assert shard.reading(Pull(FIRST, None, 10, 1)).body() == b"<0>"
    shard.close()


def test_range_is_half_open(tmp_path: Path) -> None:
    """The end of a range is not read, and the next position is exactly that end."""
    shard = filled(tmp_path, 6)
    reading = shard.reading(Pull(FIRST + 1, FIRST + 3, 10, 1000))
    assert (reading.body(), reading.next, reading.count) == (b"<1><2>", FIRST + 3, 2)
    done = shard.reading(Pull(FIRST + 3, FIRST + 3, 10, 1000))
    assert (done.body(), done.next, done.count) == (b"", FIRST + 3, 0)
    shard.close()


def test_positions_by_receive_time(tmp_path: Path) -> None:
    """A time finds the first group received then or later, in every segment; beyond the newest it is the end."""
    shard = filled(tmp_path, 30, segment_bytes=200)
    assert [shard.at_time(1_700_000_000 + second) - FIRST for second in (-5, 0, 7.5, 29, 30)] == [0, 0, 8, 29, 30]
    assert shard.time_of(FIRST + 8) == 1_700_000_008
    assert shard.time_of(shard.end) == 1_700_000_029
    shard.close()


def test_receive_times_never_go_back(tmp_path: Path) -> None:
    """A clock that is set back does not bring the times of a shard out of order."""
    shard = filled(tmp_path, 2)
    shard.append([b"<late>"], 1_600_000_000)
    assert shard.time_of(FIRST + 2) == shard.time_of(FIRST + 1)
    shard.close()


def test_retention_drops_whole_old_segments(tmp_path: Path) -> None:
    """Segments whose groups are all too old go; a position in them is out of range from then on."""
    shard = filled(tmp_path, 30, segment_bytes=200)
    late = shard.reading(Pull(FIRST, None, 10, 1000))
    assert shard.expire(1_700_000_010) > 0
    assert FIRST < shard.begin <= FIRST + 10
    with pytest.raises(OutOfRange):
        shard.reading(Pull(FIRST, None, 10, 1000))
    with pytest.raises(OutOfRange):
        late.body()
    shard.close()


def test_emptied_shard_remembers_its_next_number(tmp_path: Path) -> None:
    """When retention has dropped everything, a restart still gives no number twice, crash or not."""
    shard = filled(tmp_path, 5)
    shard.expire(1_800_000_000)
    assert (shard.begin, shard.end) == (FIRST + 5, FIRST + 5)
    for _ in range(3):
        end = opened(tmp_path).end
        assert end > FIRST + 5
    again = opened(tmp_path)
    again.append([b"<new>"], 1_800_000_001)
    assert everything(again) == b"<new>"
    again.close()


def test_positions_outside_are_refused(tmp_path: Path) -> None:
    """Neither a number before the first group nor one behind the end is a position."""
    shard = filled(tmp_path, 2)
    for number in (FIRST - 1, FIRST + 3):
        with pytest.raises(OutOfRange):
            shard.reading(Pull(number, None, 10, 1000))
    shard.close()
