"""Sampling keeps the share it was told, the same records everywhere, others for each task."""

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry.stages.sample import sampler

LOGS = [f"2026-07-01T00:00:{number % 60:02} GET /item/{number}".encode() for number in range(20_000)]
GOLDEN = [
    89, 152, 153, 212, 253, 417, 464, 616, 845, 911, 985, 1200, 1306, 1426,
    1539, 1584, 1662, 1725, 1740, 1775, 1819, 1832,
]  # fmt: skip


def kept(share: float, salt: str, logs: list[bytes] = LOGS) -> list[int]:
    """Which of the logs are kept."""
    keep = sampler(share, salt)
    assert keep is not None
    return [number for number, raw in enumerate(logs) if keep(raw)]


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("salt", ["waf-to-splunk", "b"])
def test_share_is_kept(share: float, salt: str) -> None:
    """Of 20,000 neighbouring logs the share is kept, within four standard deviations."""
    expected = share * len(LOGS)
    assert abs(len(kept(share, salt)) - expected) < 4 * math.sqrt(expected * (1 - share)) + 1


def test_kept_ones_are_spread_evenly() -> None:
    """Chi-square over 100 stretches of the stream: no stretch has more or less than chance gives (p > 0.001)."""
    counts = [0] * 100
    for number in kept(0.5, "spread"):
        counts[number // 200] += 1
    chi = sum((count - 100) ** 2 / 50 for count in counts)
    assert 60 < chi < 149  # 100 degrees of freedom: 0.1 % lie above 149.4, 0.1 % below 61.9


def test_nothing_and_everything() -> None:
    """0 keeps none; 1 and more need no test at all."""
    assert kept(0, "a") == []
    assert sampler(1, "a") is None
    assert sampler(1.5, "a") is None


def test_two_tasks_keep_different_records() -> None:
    """What two tasks both keep at 10 % is 1 % of all, not 10 %: they are independent."""
    both = set(kept(0.1, "one")) & set(kept(0.1, "two"))
    assert abs(len(both) - 200) < 4 * math.sqrt(200)


def test_larger_share_keeps_the_same_and_more() -> None:
    """Raising the share of a task adds records and takes none away."""
    assert set(kept(0.1, "a")) < set(kept(0.2, "a"))


def test_same_records_in_every_process_and_release() -> None:
    """Which records are kept is fixed for ever: not by hash seed, process or version. These are the first of 1 %."""
    program = (
        "from logferry.stages.sample import sampler; keep = sampler(0.01, 'golden');"
        "print([n for n in range(2000) if keep(b'log %d' % n)])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    here = kept(0.01, "golden", [b"log %d" % number for number in range(2_000)])
    assert done.stdout.strip() == str(here) == str(GOLDEN)


@given(st.binary(), st.floats(0, 0.999), st.text(st.characters(exclude_categories=["Cs"])))
def test_same_record_is_always_judged_alike(raw: bytes, share: float, salt: str) -> None:
    """Any bytes, empty ones too, any salt: the same answer from every sampler of the task."""
    first, second = sampler(share, salt), sampler(share, salt)
    assert first is not None
    assert second is not None
    assert first(raw) == first(raw) == second(raw)
