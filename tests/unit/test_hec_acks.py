"""Acknowledgement: what is told `true` counts, and nothing that could have been meant for another payload does."""

import logging
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from tests.fakes.engine import Clock

from logferry.destinations.splunk_hec.acks import AckOff, Acks, Post
from logferry.errors import Misconfigured, Transient


class Collector:
    """Tells what it is told to tell; each poll runs the next entry of `script`, then `true` for all of `indexed`."""

    def __init__(self, *script: Callable[[], None]) -> None:
        self.clock = Clock()
        self.indexed: set[int] = set()
        self.polls: list[tuple[float, str, list[int]]] = []
        self._script = iter(script)
        self.acks = Acks("collector", self._ask, 1.0, self.clock, self.clock.sleep)

    def posted(self, ack: int) -> Post:
        """A payload that was answered with this id."""
        with self.acks.posting(self.clock() + 10) as post:
            self.acks.answered(post, ack)
        return post

    def wait(self, post: Post, seconds: float = 180) -> None:
        """Until it is acknowledged."""
        self.acks.wait(post, self.clock() + seconds)

    def _ask(self, channel: str, ids: list[int], _time_out: float) -> frozenset[int]:
        self.polls.append((self.clock(), channel, ids))
        next(self._script, lambda: None)()
        told = self.indexed & set(ids)
        self.indexed -= told
        return frozenset(told)


def fail(error: Exception) -> Callable[[], None]:
    """A poll that goes wrong."""

    def behave() -> None:
        raise error

    return behave


def unanswered(collector: Collector) -> None:
    """A post whose answer never comes."""
    with pytest.raises(Transient), collector.acks.posting(collector.clock() + 10):
        raise Transient("time-out; it may have been taken", in_doubt=True)


def test_one_poll_asks_for_all_that_wait() -> None:
    """Three payloads, one question, after the interval."""
    collector = Collector()
    posts = [collector.posted(ack) for ack in range(3)]
    collector.indexed = {0, 1, 2}
    begun = collector.clock()
    for post in posts:
        collector.wait(post)
    assert [(at - begun, ids) for at, _, ids in collector.polls] == [(1.0, [0, 1, 2])]


def test_polls_become_rare_while_nothing_comes_of_them() -> None:
    """The pause grows by half each time, to eight intervals; then the wait ends in doubt."""
    collector = Collector()
    with pytest.raises(Transient, match=r"no acknowledgement within 180 s \(ackId 0\)") as caught:
        collector.wait(collector.posted(0))
    assert caught.value.in_doubt
    times = [at for at, _, _ in collector.polls]
    pauses = [round(after - before, 2) for before, after in pairwise(times)]
    assert pauses[:3] == [1.5, 2.25, 3.38]
    assert max(pauses) == 8.0


def test_slowest_of_the_last_waits_is_known() -> None:
    """None before the first; then the longest of the last twenty."""
    collector = Collector(lambda: None, lambda: collector.indexed.add(0))
    before = collector.acks.slowest
    collector.wait(collector.posted(0))
    assert (before, collector.acks.slowest) == (None, 2.5), "told at the second poll"
    for ack in range(1, 21):
        assert collector.acks.slowest == 2.5
        collector.indexed = {ack}
        collector.wait(collector.posted(ack))
    assert collector.acks.slowest == 1.0


def test_wait_that_ended_in_vain_says_nothing_about_how_long_it_takes() -> None:
    """It is not among the waits that are known."""
    collector = Collector()
    with pytest.raises(Transient):
        collector.wait(collector.posted(0), 5)
    assert collector.acks.slowest is None


def test_disabled_acknowledgement_counts_what_was_taken_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    """Code 14 to a poll: all that wait are done, one warning, no further poll."""
    collector = Collector(fail(AckOff("HTTP 400 code 14 (ACK is disabled)")))
    for ack in range(3):
        collector.wait(collector.posted(ack))
    assert len(collector.polls) == 1
    assert [line.levelno for line in caplog.records] == [logging.WARNING]
    assert "ack: false" in caplog.records[0].__dict__["reason"]


def test_answer_without_an_id_switches_it_off(caplog: pytest.LogCaptureFixture) -> None:
    """No `ackId`: the token has no acknowledgement."""
    collector = Collector()
    collector.wait(collector.posted(-1))
    assert (collector.acks.off, collector.polls, len(caplog.records)) == (True, [], 1)


def test_failed_polls_are_repeated() -> None:
    """A poll that fails on the way is no verdict."""
    collector = Collector(*[fail(Transient("HTTP 503"))] * 3)
    collector.indexed = {0}
    collector.wait(collector.posted(0))
    assert len(collector.polls) == 4


def test_misconfigured_poll_holds_in_doubt_until_the_secrets_are_read_again() -> None:
    """401 to a poll: what was posted is in doubt, and after a refresh it is asked for again."""
    collector = Collector(fail(Misconfigured("HTTP 401")))
    first, second = collector.posted(0), collector.posted(1)
    for post in (first, second):
        with pytest.raises(Misconfigured, match="HTTP 401") as caught:
            collector.wait(post)
        assert caught.value.in_doubt
    assert len(collector.polls) == 1
    collector.acks.refresh()
    collector.indexed = {2}
    collector.wait(collector.posted(2))


def test_id_that_comes_twice_leaves_everything_that_waits_in_doubt() -> None:
    """The collector restarted: neither old nor new payloads with such ids count, and a new channel begins."""
    collector = Collector()
    old, before = collector.posted(0), collector.acks.channel
    with pytest.raises(Transient, match="may have forgotten") as caught:
        collector.posted(0)
    assert caught.value.in_doubt
    assert collector.acks.channel != before
    collector.indexed = {0}
    with pytest.raises(Transient, match="given twice"):
        collector.wait(old)
    collector.wait(collector.posted(0))
    assert collector.polls[-1][1] == collector.acks.channel


def test_low_id_counts_only_once_answers_under_way_are_in() -> None:
    """A `true` while another post has no answer yet waits for it; an id of its own settles both."""
    collector = Collector()
    first = collector.posted(0)
    collector.indexed = {0}
    with collector.acks.posting(collector.clock() + 10) as rival:
        with pytest.raises(Transient):
            collector.wait(first, 5)
        collector.acks.answered(rival, 1)
    assert (first.told, first.rivals) == (True, {rival})
    second = collector.posted(2)
    collector.indexed = {1, 2}
    collector.wait(second)
    collector.wait(rival)


def test_true_that_was_meant_for_another_is_not_believed() -> None:
    """The collector restarts; its new post 0 is acknowledged before its answer arrives: the old post 0 is in doubt."""
    collector = Collector()
    old = collector.posted(0)
    with collector.acks.posting(collector.clock() + 10) as rival:
        collector.indexed = {0}  # the rival's, and the old one is asked for
        collector.clock.forward(1)
        collector.acks._poll(collector.clock() + 10)
        assert old.told
        with pytest.raises(Transient, match="forgotten"):
            collector.acks.answered(rival, 0)
    with pytest.raises(Transient, match="given twice"):
        collector.wait(old)


@pytest.mark.parametrize(("ack", "stale"), [(3, True), (5_000, False)])
def test_answer_on_a_channel_that_was_given_up_is_in_doubt(ack: int, stale: bool) -> None:  # noqa: FBT001  # a parameter of the table
    """Whether its low id is from before or after the restart, nobody knows."""
    collector = Collector()
    collector.posted(0)
    with collector.acks.posting(collector.clock() + 10) as post:
        unanswered(collector)
        if stale:
            with pytest.raises(Transient, match="forgotten"):
                collector.acks.answered(post, ack)
        else:
            collector.acks.answered(post, ack)
    collector.indexed = {ack}
    if not stale:
        collector.wait(post)
        assert collector.polls[-1][1] == post.channel


@pytest.mark.parametrize(("ack", "lost"), [(3, True), (5_000, False)])
def test_unanswered_post_leaves_low_ids_in_doubt(ack: int, lost: bool) -> None:  # noqa: FBT001  # a parameter of the table
    """It may have got an id that an old payload has; an id that no restarted collector is near to stays."""
    collector = Collector()
    post = collector.posted(ack)
    unanswered(collector)
    collector.indexed = {ack}
    if lost:
        with pytest.raises(Transient, match="was not answered"):
            collector.wait(post)
    else:
        collector.wait(post)
    assert collector.acks.channel != post.channel


@pytest.mark.parametrize("ids", [range(10_000), [n ^ 1 for n in range(10_000)]])
def test_long_channels_are_remembered_in_little_space(ids: Sequence[int]) -> None:
    """Ten thousand ids nearly in order are all new; an early one again is not; few are kept."""
    collector = Collector()
    channel = collector.acks.channel
    for ack in ids:
        post = collector.posted(ack)
        collector.indexed = {ack}
        collector.wait(post)
    assert collector.acks.channel == channel
    assert len(collector.acks._seen._known) < 3_000
    with pytest.raises(Transient, match="forgotten"):
        collector.posted(17)
