"""Sample logs: the same each time, told apart by one field, shaped as the benchmarks say."""

from collections.abc import Callable
from types import ModuleType

import pytest

from logferry_local.sample_logs import Log, access_origin, raw_bytes, small, waf

BEGIN = 1_780_000_000
KINDS = pytest.mark.parametrize("kind", [waf, access_origin, small], ids=["waf", "access_origin", "small"])


def made(kind: ModuleType, count: int, seed: int = 1) -> list[Log]:
    """A list of one kind."""
    return list(kind.make(count, seed=seed, begin=BEGIN))


@KINDS
def test_the_same_seed_gives_the_same_logs(kind: ModuleType) -> None:
    """A seed names its logs, and a shorter run is the beginning of a longer one."""
    assert made(kind, 500) == made(kind, 1000)[:500]
    assert made(kind, 10, seed=2) != made(kind, 10)


@KINDS
def test_every_log_has_an_id_of_its_own(kind: ModuleType) -> None:
    """No two logs of a run share the identifying field."""
    assert len({log.fields[kind.ID_FIELD] for log in made(kind, 20_000)}) == 20_000


@KINDS
def test_times_are_real_and_spread(kind: ModuleType) -> None:
    """Event times begin where asked, stay valid, and move on."""
    logs = made(kind, 2_000)
    assert BEGIN <= min(log.time for log in logs) < max(log.time for log in logs)
    assert all(0 <= log.nanos < 1_000_000_000 for log in logs)


@pytest.mark.parametrize(
    ("kind", "fields", "size"),
    [(waf, 30, 900), (access_origin, 58, 1_700), (small, 8, 180)],
    ids=["waf", "access_origin", "small"],
)
def test_shape_is_what_the_benchmarks_say(kind: ModuleType, fields: int, size: int) -> None:
    """Fields a log, and bytes of keys and values within a tenth."""
    logs = made(kind, 5_000)
    assert {len(log.fields) for log in logs} == {fields}
    assert sum(map(raw_bytes, logs)) / len(logs) == pytest.approx(size, rel=0.1)


@pytest.mark.parametrize(
    ("share", "holds"),
    [
        (0.003, lambda text: "\n" in text),
        (0.01, lambda text: '"' in text and "\\" in text),
        (0.01, lambda text: not text.isascii()),
    ],
    ids=["line break", "quotes and backslashes", "not ASCII"],
)
def test_awkward_values_come_as_often_as_stated(share: float, holds: Callable[[str], bool]) -> None:
    """What breaks careless forwarders is in the logs, and not in more than stated."""
    logs = made(waf, 20_000)
    found = sum(any(holds(value) for value in log.fields.values()) for log in logs)
    assert found / len(logs) == pytest.approx(share, rel=0.25)
