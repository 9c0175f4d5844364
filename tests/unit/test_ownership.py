"""A proof of ownership: what is stored, what counts as an attempt, what a token is good for, what it is not."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.clock import Clock
from tests.fakes.engine import ScriptedDestination
from tests.fakes.provable import Bucket, Parrot

from logferry import ownership_row, state
from logferry import task as tasks
from logferry.destinations import Destination
from logferry.errors import ConfigError, Conflict, Misconfigured, StateError, Transient
from logferry.ownership import Gate, fingerprint, is_needed
from logferry.ownership_row import ATTEMPTS, LIFETIME, Proof, Proofs
from logferry.sources import Surroundings
from logferry.state import Table
from logferry.task import Task
from logferry.task_store import State, TaskStore
from logferry.vault import Vault

ALL = {"LOGFERRY_OWNERSHIP": "all"}


def task_of(host: str = "siem.example", name: str = "waf", **changes: object) -> Task:
    """A task; another host is another place."""
    source = {"sls": {"endpoint": "http://127.0.0.1:1", "project": "waf-project", "logstore": "waf-logs"}}
    destination = {"syslog_server": {"host": host, "port": 514}}
    return tasks.load({"task": name, "source": source, "destination": destination, **changes})


@dataclass
class Desk:
    """A table, a clock, and one destination behind every task."""

    table: Table
    destination: ScriptedDestination
    clock: Clock = field(default_factory=Clock)

    def gate(self, task: Task) -> Gate:
        """The task's gate, where every task needs a proof."""

        @contextmanager
        def opened(_task: Task, _around: Surroundings) -> Iterator[Destination]:
            yield self.destination

        return Gate(task, self.table, Surroundings(ALL, Vault({}), self.clock), opener=opened)

    def apply(self, task: Task) -> Proof:
        """Stored, and challenged."""
        gate, store = self.gate(task), TaskStore(self.table, self.clock)
        gate.want(store.find(task.task))
        store.apply(task, state=gate.state)
        return gate.challenge()

    def state(self, name: str = "waf") -> State:
        """As it is stored."""
        return TaskStore(self.table, self.clock).get(name).state

    @property
    def proof(self) -> Proof:
        """The row of the task `waf`."""
        found = Proofs(self.table).find("waf")
        assert found is not None
        return found


@pytest.fixture
def bucket() -> Bucket:
    """A destination with files."""
    return Bucket()


@pytest.fixture
def desk(request: pytest.FixtureRequest, bucket: Bucket) -> Desk:
    """Over that bucket, with one task waiting."""
    made = Desk(state.open_table(f"memory:{request.node.nodeid}"), bucket)
    made.apply(task_of())
    return made


def refused(desk: Desk, token: str | None, task: Task | None = None) -> str:
    """Why it is."""
    with pytest.raises(Misconfigured) as error:
        desk.gate(task or task_of()).verify(token)
    return str(error.value)


def test_a_task_waits_until_its_token_is_told(desk: Desk, bucket: Bucket) -> None:
    """Then it is on line, and the hash is gone."""
    assert desk.state() == "pending"
    desk.gate(task_of()).verify(bucket.token)
    assert desk.state() == "online"
    assert (desk.proof.salt, desk.proof.digest, desk.proof.proved) == ("", "", desk.clock.now)


def test_the_token_is_long_and_the_file_is_named_by_another_chance(desk: Desk, bucket: Bucket) -> None:
    """At least 128 bits; the name gives nothing of it away."""
    ((key, text),) = bucket.files.items()
    assert len(bytes.fromhex(text.strip())) * 8 >= 128
    assert text.endswith("\n")
    assert key.startswith("logs/ownership-challenge-")
    assert key.endswith(".txt")
    assert key[-20:-4] not in text
    assert desk.proof.file == key


def test_only_a_salted_hash_is_stored(desk: Desk, bucket: Bucket) -> None:
    """No row of the table holds the token; two tasks with one token would have two hashes."""
    rows = b"".join(item.value for part in ("ownership", "tasks") for item in desk.table.list(part))
    assert bucket.token.strip().encode() not in rows
    assert desk.proof.digest.encode() in rows
    salt, place = desk.proof.salt, desk.proof.destination
    assert ownership_row.digest(salt, "a", place, "t") != ownership_row.digest(salt, "b", place, "t")


AROUND = st.text(alphabet=" \t\r\n\v\f\u00a0\u200b\ufeff", max_size=6)


@settings(max_examples=60, deadline=None)
@given(token=st.text(alphabet="0123456789abcdef", min_size=1, max_size=64), before=AROUND, after=AROUND)
def test_white_space_around_a_token_changes_nothing(token: str, before: str, after: str) -> None:
    """What editors, clipboards and Windows put there."""
    plain = ownership_row.digest("00", "waf", "place", token)
    assert ownership_row.digest("00", "waf", "place", f"{before}{token}{after}") == plain


@settings(max_examples=100, deadline=None)
@given(token=st.text(min_size=1, max_size=40), other=st.text(max_size=40))
def test_only_the_same_token_has_the_same_hash(token: str, other: str) -> None:
    """Whatever letters are given: half of a surrogate pair, nothing, nulls."""
    same = ownership_row.bare(token) == ownership_row.bare(other)
    assert (ownership_row.digest("00", "w", "p", token) == ownership_row.digest("00", "w", "p", other)) is same


@settings(max_examples=60, deadline=None)
@given(
    one=st.tuples(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8)),
    two=st.tuples(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8)),
)
def test_task_place_and_token_do_not_run_into_each_other(one: tuple[str, str, str], two: tuple[str, str, str]) -> None:
    """Moving a letter from one to the next is another hash."""
    same = (*one[:2], ownership_row.bare(one[2])) == (*two[:2], ownership_row.bare(two[2]))
    assert (ownership_row.digest("00", *one) == ownership_row.digest("00", *two)) is same


def test_a_wrong_token_costs_an_attempt_and_ten_are_all(desk: Desk, bucket: Bucket) -> None:
    """The right one is then too late; another challenge is needed."""
    for left in range(ATTEMPTS - 1, -1, -1):
        assert refused(desk, "guess") == f"waf: that is not the token, {left} attempt(s) left"
    said = "waf: no attempts are left, 10 were wrong: logferry task challenge waf makes a new one"
    assert refused(desk, bucket.token) == said
    desk.gate(task_of()).challenge(anew=True)
    desk.gate(task_of()).verify(bucket.token)
    assert desk.state() == "online"


def test_the_tenth_attempt_may_be_right(desk: Desk, bucket: Bucket) -> None:
    """Ten are allowed, not nine."""
    for _ in range(ATTEMPTS - 1):
        refused(desk, "guess")
    desk.gate(task_of()).verify(bucket.token)
    assert desk.state() == "online"


@pytest.mark.parametrize("guess", ["", "   ", "x" * 1_000_000, "\0", "\udc80", "ownership-challenge-1.txt"])
def test_nonsense_is_a_wrong_token(desk: Desk, guess: str) -> None:
    """Of any length, and without a crash."""
    assert "that is not the token" in refused(desk, guess)


def test_a_token_lives_for_seven_days(desk: Desk, bucket: Bucket) -> None:
    """A second before it is good, at the end it is not; attempts are not counted then."""
    token = bucket.token
    desk.clock.now += LIFETIME
    assert "the token has expired, it was good for 7 days: logferry task challenge waf" in refused(desk, token)
    assert desk.proof.attempts == 0
    desk.clock.now -= 1
    desk.gate(task_of()).verify(token)
    assert desk.state() == "online"


def test_the_token_of_another_task_is_wrong(desk: Desk, bucket: Bucket) -> None:
    """Even for the same destination."""
    desk.apply(task_of(name="other"))
    other = bucket.token
    assert "that is not the token" in refused(desk, other)
    desk.gate(task_of(name="other")).verify(other)
    assert (desk.state(), desk.state("other")) == ("pending", "online")


def test_another_destination_needs_another_token(desk: Desk, bucket: Bucket) -> None:
    """The old one is not good for the new place, nor for the old one when the task goes back to it."""
    first = bucket.token
    desk.gate(task_of()).verify(first)
    desk.apply(task_of("elsewhere.example"))
    assert desk.state() == "pending"
    assert "that is not the token" in refused(desk, first, task_of("elsewhere.example"))
    assert "no token was made for this destination" in refused(desk, first, task_of())
    desk.apply(task_of())
    assert desk.state() == "pending"
    assert "that is not the token" in refused(desk, first)


def test_a_token_for_a_place_that_was_left_opens_nothing(desk: Desk, bucket: Bucket) -> None:
    """Somebody holds the old task file while the new one is applied: the stored place counts."""
    token = bucket.token
    TaskStore(desk.table, desk.clock).apply(task_of("elsewhere.example"))
    desk.gate(task_of()).verify(token)
    assert desk.state() == "pending"


def test_editing_anything_else_keeps_a_task_on_line(desk: Desk, bucket: Bucket) -> None:
    """No new token; while it waits, the old one stays good."""
    token = bucket.token
    desk.apply(task_of(max_lag="9m"))
    assert bucket.token == token
    desk.gate(task_of(max_lag="9m")).verify(token)
    desk.apply(task_of(max_lag="8m"))
    assert (desk.state(), len(bucket.files)) == ("online", 1)


def test_a_paused_task_is_paused_again_afterwards(desk: Desk, bucket: Bucket) -> None:
    """A person wanted it so."""
    desk.gate(task_of()).verify(bucket.token)
    TaskStore(desk.table, desk.clock).set_state("waf", "offline")
    bucket.down = True
    with pytest.raises(Transient):
        desk.apply(task_of("elsewhere.example"))
    bucket.down = False
    desk.apply(task_of("elsewhere.example"))
    assert desk.state() == "pending"
    desk.gate(task_of("elsewhere.example")).verify(bucket.token)
    assert desk.state() == "offline"


def test_the_same_apply_twice_places_one_token(desk: Desk, bucket: Bucket) -> None:
    """Events come more than once."""
    desk.apply(task_of())
    assert len(bucket.files) == 1


def test_a_place_that_is_down_leaves_the_task_waiting(bucket: Bucket) -> None:
    """Without a token nothing can be verified; the next apply makes one."""
    desk = Desk(state.open_table("memory:down"), bucket)
    bucket.down = True
    with pytest.raises(Transient):
        desk.apply(task_of())
    assert desk.state() == "pending"
    assert "no token was made for this destination yet" in refused(desk, "x")
    bucket.down = False
    desk.apply(task_of())
    desk.gate(task_of()).verify(None)
    assert desk.state() == "online"


def test_reading_back_takes_the_file_itself(desk: Desk, bucket: Bucket) -> None:
    """A file that somebody changed is a wrong token; one that cannot be read costs no attempt."""
    bucket.down = True
    with pytest.raises(Transient):
        desk.gate(task_of()).verify(None)
    assert desk.proof.attempts == 0
    bucket.down = False
    bucket.files[desk.proof.file] = "changed"
    assert "that is not the token, 9 attempt(s) left" in refused(desk, None)


def test_a_receiver_says_the_nonce_back() -> None:
    """Each time another nonce; silence costs an attempt."""
    parrot = Parrot()
    desk = Desk(state.open_table("memory:parrot"), parrot)
    desk.apply(task_of())
    parrot.deaf = True
    for left in (9, 8):
        assert refused(desk, None) == f"waf: the receiver did not answer with the nonce, {left} attempt(s) left"
    parrot.deaf = False
    desk.gate(task_of()).verify(None)
    assert desk.state() == "online"
    assert len(set(parrot.nonces)) == 3


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_concurrent_guesses_count_exactly(bucket: Bucket, tmp_path: Path, kind: str) -> None:
    """Thirty at once: ten verdicts at most, each counted, and the right token comes too late."""
    desk = Desk(state.open_table(f"{kind}:{tmp_path}/guesses.db"), bucket)
    desk.apply(task_of())
    said: list[str] = []

    def guess() -> None:
        try:
            desk.gate(task_of()).verify("guess")
        except Misconfigured as error:
            said.append(str(error))
        except StateError:
            said.append("lost the race")

    threads = [threading.Thread(target=guess) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong = [text for text in said if "that is not the token" in text]
    assert len(said) == 30
    assert len(wrong) == desk.proof.attempts <= ATTEMPTS
    while desk.proof.left:
        refused(desk, "guess")
    assert "no attempts are left" in refused(desk, bucket.token)
    desk.table.close()


class Ambiguous:
    """A table whose next write passes, while its answer gets lost."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.lose = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._table, name)

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        """The real write."""
        version = self._table.put(partition, sort, value, expect=expect, expires=expires)
        if self.lose:
            self.lose = False
            raise Conflict("answer lost", version=version)
        return version


def test_a_lost_answer_counts_one_attempt(desk: Desk) -> None:
    """The write had passed: it is not counted again."""
    lossy = Ambiguous(desk.table)
    lossy.lose = True
    counted = Proofs(lossy).attempt("waf", desk.proof.destination, desk.clock.now)  # type: ignore[arg-type]  # the rest is passed on
    assert (counted.attempts, desk.proof.attempts) == (1, 1)


def test_no_token_reaches_a_log_line(desk: Desk, bucket: Bucket, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the right one nor a guess: a guess may be the token of something else."""
    caplog.set_level(logging.DEBUG, logger="logferry")
    desk.gate(task_of()).challenge(anew=True)
    refused(desk, "a-guess-of-mine")
    desk.gate(task_of()).verify(bucket.token)
    said = "".join(str(vars(record)) for record in caplog.records)
    assert [record.message for record in caplog.records] == [
        "ownership challenged", "ownership not proved", "ownership proved"
    ]  # fmt: skip
    assert bucket.token.strip() not in said
    assert "a-guess-of-mine" not in said


@pytest.mark.parametrize(
    ("environ", "kind", "needed"),
    [({}, "syslog_server", False), (ALL, "syslog_server", True), ({"LOGFERRY_OWNERSHIP": ""}, "syslog_server", False)],
)
def test_the_environment_says_who_must_prove(environ: dict[str, str], kind: str, *, needed: bool) -> None:
    """Buckets by default, as ESA does; all on demand."""
    assert is_needed(task_of(), environ) is needed
    assert task_of().destination.kind == kind


OWN_KEY = {"access_key_id": "secret://env/ID", "secret_access_key": "secret://env/KEY"}


@pytest.mark.parametrize(
    ("destination", "needed"),
    [
        ({"s3": {"bucket": "logs", "region": "eu-west-1"}}, True),
        ({"s3_compatible": {"bucket": "logs", "endpoint": "https://minio.example", **OWN_KEY}}, True),
        ({"oss": {"bucket": "logs", "region": "cn-hangzhou"}}, False),
        ({"oss": {"bucket": "logs", "region": "cn-hangzhou", "internal": True}}, False),
        ({"oss": {"bucket": "logs", "region": "cn-hangzhou", **OWN_KEY}}, True),
        ({"oss": {"bucket": "logs", "region": "cn-hangzhou", "endpoint": "https://minio.example"}}, True),
        ({"oss": {"bucket": "logs", "region": "cn-hangzhou", "endpoint": "https://xaliyuncs.com"}}, True),
        ({"oss": {"bucket": "logs", "region": "cn-hangzhou", "endpoint": "1.cn-hangzhou.fc.aliyuncs.com"}}, True),
        ({"oss": {"bucket": "logs", "region": "cn-hangzhou", "endpoint": "oss-accelerate.aliyuncs.com"}}, False),
    ],
)
def test_buckets_are_proved_unless_they_are_the_accounts_own(destination: dict[str, object], *, needed: bool) -> None:
    """A kind that need not prove anything is no way round: another's key, another's host."""
    source = {"sls": {"endpoint": "http://127.0.0.1:1", "project": "waf-project", "logstore": "waf-logs"}}
    task = tasks.load({"task": "waf", "source": source, "destination": destination})
    assert is_needed(task, {}) is needed
    assert is_needed(task, ALL)


def test_another_word_for_it_is_refused() -> None:
    """A misspelt setting would open a door."""
    with pytest.raises(ConfigError, match="LOGFERRY_OWNERSHIP: 'none' is not buckets or all"):
        is_needed(task_of(), {"LOGFERRY_OWNERSHIP": "none"})


def test_a_row_of_a_newer_release_is_refused(desk: Desk) -> None:
    """Never guessed at: it could say that a proof is worth nothing any more."""
    item = desk.table.get("ownership", "waf")
    assert item is not None
    desk.table.put("ownership", "waf", item.value.replace(b"{", b'{"schema":9,', 1), expect=item.version)
    with pytest.raises(StateError, match="upgrade logferry here"):
        desk.gate(task_of()).verify("x")


def test_the_fingerprint_is_of_the_place_alone() -> None:
    """The same from a checked task and from its row; an option that is no address does not change it."""
    plain = tasks.dump(task_of())["destination"]
    assert isinstance(plain, dict)
    assert fingerprint(task_of().destination) == fingerprint(plain)
    other = {"syslog_server": {**plain["syslog_server"], "tag": "x"}}
    assert fingerprint(other) == fingerprint(plain)
    assert fingerprint({"syslog_server": {**plain["syslog_server"], "host": "other"}}) != fingerprint(plain)


def test_two_applies_at_once_have_one_token(desk: Desk) -> None:
    """Both placed a file; the row that came first counts for both."""
    first = desk.proof
    second = Proof(destination=first.destination, made=5.0, salt="00", digest="ff", file="logs/second.txt")
    assert Proofs(desk.table).challenge("waf", second, over=0.0) == first
    assert desk.proof == first


def test_a_new_challenge_does_not_replace_a_newer_one(desk: Desk) -> None:
    """Two people ask for another token at once."""
    old = desk.proof
    desk.clock.now += 1
    newer = desk.gate(task_of()).challenge(anew=True)
    late = Proof(destination=old.destination, made=old.made + 0.5, salt="00", digest="ff")
    assert Proofs(desk.table).challenge("waf", late, over=old.made) == newer


def test_a_proved_task_that_was_left_pending_opens_with_the_next_apply(desk: Desk, bucket: Bucket) -> None:
    """Killed between the proof and the state: nobody has to prove it twice."""
    answered = Proofs(desk.table).attempt("waf", desk.proof.destination, desk.clock.now)
    assert Proofs(desk.table).succeed("waf", answered, desk.clock.now)
    assert desk.state() == "pending"
    assert desk.gate(task_of()).open() == "online"
    assert len(bucket.files) == 1


def test_a_verify_that_was_overtaken_by_a_new_challenge_fails(desk: Desk) -> None:
    """Its token was right when it was looked at, and is worth nothing now."""
    answered = Proofs(desk.table).attempt("waf", desk.proof.destination, desk.clock.now)
    desk.clock.now += 1
    desk.gate(task_of()).challenge(anew=True)
    assert not Proofs(desk.table).succeed("waf", answered, desk.clock.now)
    assert desk.state() == "pending"


def test_without_the_setting_a_waiting_task_opens(desk: Desk) -> None:
    """The operator asks no more for it."""
    gate = Gate(task_of(), desk.table, Surroundings({}, Vault({}), desk.clock))
    assert gate.open() == "online"
