"""An open range is finished by the version that began it, unless that one cannot: then a person's newer one does."""

import pytest
from tests.fakes.engine import Bench, ScriptedDestination, bench, go, job, killed, numbers, recounted, row_of

from logferry.errors import ConfigError, DeliveryError, Misconfigured, StateError, Transient
from logferry.job import Job


@pytest.mark.parametrize("error", [Misconfigured("HTTP 401"), Transient("no such host")])
def test_a_range_whose_version_cannot_finish_it_is_finished_by_the_newer_one(error: DeliveryError) -> None:
    """A wrong token or a host that is gone: the corrected task delivers what the wrong one had begun."""
    where, new = bench(20), ScriptedDestination()
    wrong = ScriptedDestination(script=iter(lambda: error, None))
    go(where, job(wrong, version=1))
    where.clock.forward(1_000)
    [outcome] = go(where, job(new, version=2))
    assert outcome.finished
    assert numbers(new.taken) == list(range(20))
    assert recounted(where).counts.delivered == 20


@pytest.mark.parametrize("error", [StateError("version 1 is not known"), ConfigError(["url: is missing"])])
def test_a_version_that_cannot_be_built_gives_way_to_the_newest(error: Exception) -> None:
    """Its row is gone, or this release no longer takes it."""
    where, new = bench(20), ScriptedDestination()
    killed(where, 15)

    def gone(_name: str, _version: int) -> Job:
        raise error

    where.job_at = gone
    [outcome] = go(where, job(new, version=2))
    assert outcome.finished
    assert where.source.reads[:2] == [("0", "15"), ("15", "20")]
    row = recounted(where)
    assert (row.counts.delivered, row.counts.maybe_repeated) == (20, 15)


def test_a_killed_run_of_an_old_version_is_still_finished_by_it() -> None:
    """A kill says nothing against the version."""
    where, old, new = bench(20), ScriptedDestination(), ScriptedDestination()
    killed(where, 15)
    where.versions[1] = job(old, version=1)
    assert go(where, job(new, version=2))[0].finished
    assert (numbers(old.taken), numbers(new.taken)) == (list(range(15)), list(range(15, 20)))


def held_back(where: Bench) -> None:
    """Version 1 was refused in the middle of its range."""
    wrong = ScriptedDestination(script=iter([None, None, Misconfigured("HTTP 403"), Misconfigured("HTTP 403")]))
    go(where, job(wrong, version=1))


def test_what_the_wrong_version_had_sent_is_counted_as_maybe_repeated() -> None:
    """The range stays open until somebody has finished it."""
    where, new = bench(20), ScriptedDestination()
    held_back(where)
    assert row_of(where).open is not None
    assert go(where, job(new, version=2))[0].finished
    assert recounted(where).counts.maybe_repeated >= 5
