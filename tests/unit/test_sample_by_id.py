"""Sampling by id: the share is right, all that has one id stays together, in every task and on every machine."""

import math

from hypothesis import given
from hypothesis import strategies as st

from logferry.model import Value
from logferry.stages.sample import id_sampler

IDS = [f"{number:08x}1672544{number % 7}000001e" for number in range(20_000)]
GOLDEN = [28, 121, 124, 154, 237, 256, 441, 451, 469, 578]


def kept(share: float) -> list[int]:
    """Which of the ids are kept."""
    keep = id_sampler(share)
    assert keep is not None
    return [number for number, text in enumerate(IDS) if keep(text)]


def test_the_share_is_kept_in_every_stretch_of_the_stream() -> None:
    """Chi-square over 100 stretches at four shares: no more and no less than chance gives (p > 0.001)."""
    for share in (0.01, 0.1, 0.5, 0.9):
        counts = [0] * 100
        for number in kept(share):
            counts[number // 200] += 1
        chi = sum((count - 200 * share) ** 2 / (200 * share * (1 - share)) for count in counts)
        assert 60 < chi < 149  # 100 degrees of freedom: 0.1 % lie above 149.4, 0.1 % below 61.9
        assert abs(sum(counts) - 20_000 * share) < 4 * math.sqrt(20_000 * share * (1 - share))


def test_a_larger_share_keeps_the_same_and_more() -> None:
    """So 10 % of the firewall log are about requests that the 50 % of the access log hold too."""
    assert set(kept(0.1)) < set(kept(0.5))


def test_the_same_ids_in_every_release() -> None:
    """Which ids are kept is fixed for ever. These are the first of 1 %."""
    assert kept(0.01)[:10] == GOLDEN


def test_everything_needs_no_test() -> None:
    """Of 100 % nothing is looked at."""
    assert id_sampler(1) is None


@given(st.one_of(st.sampled_from(["", "-", None, True, False, [], {}]), st.floats(), st.lists(st.text())))
def test_what_is_no_id_is_not_judged(value: Value) -> None:
    """A missing mark is shared by many records: they must not all have one fate."""
    keep = id_sampler(0.5)
    assert keep is not None
    assert keep(value) is None


@given(st.text(st.characters(codec=None), min_size=2) | st.integers())
def test_any_other_text_and_number_is_an_id(value: str | int) -> None:
    """A number is judged as the text that it is elsewhere."""
    keep = id_sampler(0.5)
    assert keep is not None
    assert keep(value) is not None
    assert keep(value) == keep(str(value))
