"""Dead letters found, named, edited, discarded; who is at them."""

import msgspec
import pytest
from tests.fakes.engine import bench
from tests.fakes.parked import Parked, texts

from logferry import registry
from logferry.dead_letters import Closed, Edit, Place
from logferry.errors import ConfigError, Conflict, SourceError, StateError
from logferry.ledger import Open
from logferry.letters import TIME, Found, Wanted, alone, discard, edit, find, locate, reason_class, record_of, words
from logferry.replay_order import in_flight
from logferry.sources import sls


def test_a_letter_is_named_by_its_key_or_its_place() -> None:
    """Whatever state it is in by then, and however the cursor looks."""
    parked = Parked()
    key = parked.dead.park("t", 1, Place("a/b", "MTc2=.", 7), "r", texts("x"))
    place = words(key)
    assert place == "t/a%2Fb/MTc2%3D%2E/7"
    parked.dead.move(key, "replayed")
    found = {locate(parked.dead, text).key for text in (place, key, key.removeprefix("dead/"))}
    assert found == {key.replace("/open/", "/replayed/")}


@pytest.mark.parametrize("text", ["", "t", "t/0/b/x", "t/0/b/1", "dead/t/shut/0/b/1.json", "../../0/1", "t/0/b/1/2"])
def test_a_wrong_name_is_told_with_the_way_out(text: str) -> None:
    """No stack, no file elsewhere."""
    with pytest.raises(ConfigError, match=r"logferry dead list --each|object key"):
        locate(Parked().dead, text)


def test_a_parked_original_is_read_again_as_it_came() -> None:
    """Fields of the log and of its group, time and raw bytes."""
    record = sls.revive(texts("café"))
    assert record.fields == {"__topic__": "waf", "__source__": "", "m": "café"}
    assert (record.time, record.nanos) == (1_700_000_000, 0)


@pytest.mark.parametrize("kind", registry.names("sources"))
def test_every_source_reads_its_parked_originals(kind: str) -> None:
    """And says SourceError for what is none."""
    with pytest.raises(SourceError):
        registry.find("sources", kind).revive(b"\xff\xff\xff")


def test_edits_follow_each_other_and_can_change_the_time() -> None:
    """Each change is made to what the ones before left."""
    parked = Parked()
    [key] = parked.park(1)
    edit(parked.dead, key, Edit(by="a", at=1, set={"m": "new", "n": "1"}))
    letter = edit(parked.dead, key, Edit(by="b", at=2, set={TIME: "5"}, unset=("m",)))
    record = record_of(letter)
    assert (record.fields["n"], "m" in record.fields, record.time) == ("1", False, 5)
    assert record_of(letter, edited=False).fields["m"] == "r00000"
    assert [change.by for change in letter.edits] == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (Edit(by="a", at=1), "nothing is changed"),
        (Edit(by="a", at=1, unset=("nix",)), "the record has no such field"),
        (Edit(by="a", at=1, set={TIME: "noon"}), "is not Unix seconds"),
        (Edit(by="a", at=1, set={TIME: "4294967296"}), "is not Unix seconds"),
    ],
)
def test_an_edit_that_cannot_be_is_refused(change: Edit, problem: str) -> None:
    """And the letter stays as it was."""
    parked = Parked()
    [key] = parked.park(1)
    with pytest.raises(ConfigError, match=problem):
        edit(parked.dead, key, change)
    assert parked.letter(key).edits == ()


def test_only_an_open_letter_is_edited() -> None:
    """What was delivered is history."""
    parked = Parked()
    [key] = parked.park(1)
    parked.dead.move(key, "replayed")
    with pytest.raises(ConfigError, match="is not open any more"):
        edit(parked.dead, key, Edit(by="a", at=1, set={"m": "x"}))


def test_a_letter_of_a_newer_release_is_not_guessed_at() -> None:
    """Nor rewritten without what this release does not know."""
    parked = Parked()
    [key] = parked.park(1)
    parked.store.put(key, (parked.store.get(key) or b"").replace(b'"task":"t"', b'"schema":2,"task":"t"'))
    with pytest.raises(StateError, match="has schema 2, this release knows 1"):
        parked.dead.get(key)


def test_a_discard_says_who_and_when() -> None:
    """The letter stays readable."""
    parked = Parked()
    [key] = parked.park(1)
    assert list(discard(parked.dead, find(parked.dead, "t", Wanted()), Closed(at=9, by="me"))) == [key]
    assert parked.dead.counts("t") == {"open": 0, "replayed": 0, "discarded": 1}
    assert parked.letter(key.replace("/open/", "/discarded/")).closed == Closed(at=9, by="me")


@pytest.mark.parametrize("state", ["replayed", "discarded"])
def test_whoever_comes_after_a_kill_ends_what_was_begun(state: str) -> None:
    """A letter in two states has been dealt with: it is open no more, whoever comes next and whatever for."""
    parked = Parked()
    keys = parked.park(3)
    parked.leases.write("t", "dead-owner", parked.clock.now + 60, first=True)
    parked.store.put(keys[1].replace("/open/", f"/{state}/"), parked.store.get(keys[1]) or b"")
    parked.clock.forward(61)
    with alone(parked.dead, parked.leases, "t"):
        assert list(parked.dead.keys("t", "open")) == [keys[0], keys[2]]
    assert parked.dead.counts("t")[state] == 1


def test_an_unreadable_letter_can_be_discarded() -> None:
    """As it is: nobody could ever replay it."""
    parked = Parked()
    [key] = parked.park(1)
    parked.store.put(key, b"{broken")
    assert list(discard(parked.dead, [Found(key, None, "broken")], Closed(at=9))) == [key]
    assert parked.store.get(key.replace("/open/", "/discarded/")) == b"{broken"


def test_a_record_that_is_parked_again_keeps_its_edits() -> None:
    """After a seek back: a person's work is not thrown away, as long as it is the same record."""
    parked = Parked()
    [key] = parked.park(1)
    edit(parked.dead, key, Edit(by="a", at=1, set={"m": "x"}))
    parked.dead.park("t", 2, Place("0", "b", 0), "again", texts("r00000"))
    assert (parked.letter(key).reason, len(parked.letter(key).edits)) == ("again", 1)
    parked.dead.park("t", 2, Place("0", "b", 0), "another", texts("r00001"))
    assert parked.letter(key).edits == ()


@pytest.mark.parametrize("run", ["", "run-1"])
def test_a_letter_is_in_flight_while_its_range_is_open(run: str) -> None:
    """The live run's range, or a backfill run's: whatever stands in the row now decides."""
    where = bench(0)
    ledger = where.ledger.of_run(run) if run else where.ledger
    ledger.create("t", "0", "10", 7)
    busy = in_flight("t", where.ledger, int, where.clock)

    def letters() -> list[bool]:
        stream = f"0@{run}" if run else "0"
        keys = [where.dead.park("t", 1, Place(stream, begin, 0), "r", b"x") for begin in ("9", "10", "19", "20")]
        return [busy(letter) for key in keys if (letter := where.dead.get(key))]

    assert letters() == [False] * 4
    claim = ledger.claim("t", "0", Open(begin="10", end="20", task_version=1), now=0, until=1)
    assert claim is not None
    assert letters() == [False, True, True, False]
    claim.save(msgspec.structs.replace(claim.row, open=None, position="20"))
    assert letters() == [False] * 4


def test_counting_reads_no_letter() -> None:
    """Keys say task, stream and state."""
    parked = Parked()
    parked.park(3)
    parked.park(2, stream="1", task="other")
    parked.store.get = lambda key: pytest.fail(f"read {key}")  # type: ignore[method-assign]  # this store only
    assert list(parked.dead.tasks()) == ["other", "t"]
    assert parked.dead.by_stream("other") == {"1": {"open": 2, "replayed": 0, "discarded": 0}}


def test_reasons_are_counted_alike_but_for_their_status() -> None:
    """An object's number is noise, a status is none."""
    assert reason_class("HTTP 400 code 6, object 17") == "HTTP 400 code 6, object #"
    assert reason_class("HTTP 503: 12 in queue") == "HTTP 503: # in queue"


def test_a_lease_ends_with_its_block_or_by_time() -> None:
    """A second one is refused while the first holds, not after; a lease far ahead of any clock is not believed."""
    parked = Parked()
    with parked.leases.held("t") as hold, pytest.raises(Conflict), parked.leases.held("t"):
        pytest.fail("two at once")
    assert not hold.resumed
    with parked.leases.held("t") as hold:
        assert not hold.resumed
    parked.leases.write("t", "dead", parked.clock.now + 60, first=True)
    parked.clock.forward(61)
    with parked.leases.held("t") as hold:
        assert hold.resumed
    parked.leases.write("t", "dead", parked.clock.now + 10**9, first=True)
    with parked.leases.held("t"):
        pass


def test_who_lost_the_lease_is_told_at_the_next_renewal() -> None:
    """Also when the one who took over is done already."""
    parked = Parked()
    with parked.leases.held("t") as hold:
        parked.clock.forward(61)
        with parked.leases.held("t"):
            pass
        with pytest.raises(Conflict, match="has taken its dead letters over"):
            hold.renew()
