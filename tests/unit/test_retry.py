"""Delays grow, respect the far side's wish, and never outlast the time left."""

from hypothesis import given
from hypothesis import strategies as st

from logferry.errors import Transient
from logferry.retry import delay


@given(st.integers(1, 10_000), st.floats(0, 1), st.floats(0, 1_000))
def test_a_delay_is_within_bounds_and_the_time_left(attempt: int, chance: float, time_left: float) -> None:
    """Any attempt waits between a quarter of a second and half a minute, or not at all."""
    wait = delay(attempt, Transient("x"), time_left, lambda: chance)
    assert wait is None or (0.25 <= wait <= 30 and wait < time_left)


def test_the_far_sides_wish_is_a_floor() -> None:
    """Retry-After is never undercut."""
    assert delay(1, Transient("x", retry_after=17), 100, lambda: 0.0) == 17


def test_a_wish_beyond_the_time_left_leaves_the_range_open() -> None:
    """No sleep past the end of the invocation."""
    assert delay(1, Transient("x", retry_after=17), 10, lambda: 0.0) is None


def test_delays_grow() -> None:
    """Each attempt may wait longer than the one before, up to the ceiling."""
    waits = [delay(attempt, Transient("x"), 1e9, lambda: 1.0) for attempt in range(1, 9)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]
