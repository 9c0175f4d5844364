"""What the producer does when answers get lost, partitions differ, brokers restart; the peer knows our numbers."""

import json
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.contract.adapter import records
from tests.fakes.certificates import Authority
from tests.fakes.kafka_peer import KafkaPeer, Late, Lost, Mixed, Say, Step, lost
from tests.fakes.misbehaving import close, nobody, silence

from logferry import packing
from logferry.config import load
from logferry.delivery import ParkBudget, Patience, settle
from logferry.destinations import Surroundings, kafka
from logferry.destinations.kafka.producer import Producer
from logferry.encoders import Encoder
from logferry.errors import Misconfigured, Refused, Transient
from logferry.model import Limits, Origin, Payload, Record
from logferry.vault import Vault


class Clock:
    """A clock that only a test moves; sockets wait in real time all the same."""

    now = 1000.0
    broken = False

    def __call__(self) -> float:
        """Seconds."""
        if self.broken:
            raise RuntimeError("no clock")
        return self.now


def made(broker: KafkaPeer | str, **options: Any) -> tuple[Encoder, Producer]:  # noqa: ANN401  # options of a task
    """Encoder and producer; all that is random is 0, the environment holds `PW`."""
    address = broker if isinstance(broker, str) else broker.address
    clock = options.pop("clock", None)
    chosen = load(kafka.Config, {"brokers": [address], "topic": "waf", "balancer": "RoundRobin", **options})
    around = Surroundings("t", Vault({"PW": "right"}))
    beside: Mapping[str, Any] = {"clock": clock} if clock else {}
    return kafka.encoder(chosen, around), Producer(chosen, around, chance=lambda: 0.0, **beside)


def payload(encoder: Encoder, sent: Sequence[Record], begin: str = "MTc=") -> Payload:
    """All records in one."""
    parts = [(record.ordinal, encoder.encode(record)) for record in sent]
    (found,) = packing.pack(parts, Limits(max_bytes=10**9, max_records=10**6), encoder.frame)
    return found._replace(origin=Origin("0", begin, 0))


def messages(broker: KafkaPeer) -> list[str]:
    """The records' numbers, in the order in which they were kept."""
    return [json.loads(message.value)["message"][:4] for message in broker.messages]


def numbers(count: int) -> list[str]:
    """`0000`, `0001`, …"""
    return [f"{number:04}" for number in range(count)]


@pytest.mark.parametrize("partitions", [1, 3])
def test_what_was_taken_without_an_answer_is_taken_once(partitions: int) -> None:
    """The same payload again is the same batches again; the broker knows their numbers."""
    with KafkaPeer(Say(), lost, lost, partitions=partitions) as broker:
        encoder, producer = made(broker)
        producer.send(payload(encoder, records(3), "a"), 5)
        again = payload(encoder, records(30), "b")
        for _ in range(2):
            with pytest.raises(Transient, match="may have been taken") as caught:
                producer.send(again, 5)
            assert caught.value.in_doubt
        producer.send(again, 5)
        producer.send(payload(encoder, records(2), "c"), 5)
        producer.close()
        assert sorted(messages(broker)) == sorted(numbers(3) + numbers(30) + numbers(2))
        assert broker.producers == 1


def test_the_engine_counts_a_lost_answer_and_nothing_is_twice() -> None:
    """`settle` with its own pauses: delivered, and said to be perhaps repeated."""
    with KafkaPeer(lost) as broker:
        encoder, producer = made(broker)
        patience = Patience(lambda: 20.0, lambda: 0.0, lambda _seconds: None, lambda: 0.0)
        verdict = settle(
            payload(encoder, records(9)), producer, encoder.frame, ParkBudget(9, 60, lambda: 0.0), patience
        )
        producer.close()
        assert (verdict.delivered, len(verdict.repeated)) == (9, 9)
        assert messages(broker) == numbers(9)


def test_another_payload_after_a_lost_answer_begins_with_new_numbers() -> None:
    """Nobody knows whether the one before was taken, so its numbers cannot be gone on with; nothing is lost."""
    with KafkaPeer(close) as broker:
        encoder, producer = made(broker)
        with pytest.raises(Transient):
            producer.send(payload(encoder, records(3), "a"), 5)
        producer.send(payload(encoder, records(5), "b"), 5)
        producer.send(payload(encoder, records(3), "a"), 5)
        producer.close()
        assert messages(broker) == numbers(5) + numbers(3)
        assert broker.producers == 2


@pytest.mark.parametrize("code", [-1, 3, 6, 7, 20, 56])
def test_an_error_that_came_after_the_messages_were_taken_costs_no_others(code: int) -> None:
    """A leader that changes while replicas are waited for says so, though it may have them: their number is used up."""
    with KafkaPeer(Late(code)) as broker:
        encoder, producer = made(broker)
        with pytest.raises(Transient) as caught:
            producer.send(payload(encoder, records(6)[:3], "a"), 5)
        assert caught.value.in_doubt
        producer.send(payload(encoder, records(6)[3:], "b"), 5)
        producer.close()
        assert messages(broker) == numbers(6)


def test_partitions_that_took_theirs_are_not_sent_to_again() -> None:
    """One of three has another leader: two are counted, the third's messages alone come again."""
    with KafkaPeer(Say(6, partition=1), partitions=3) as broker:
        encoder, producer = made(broker)
        whole = payload(encoder, records(9))
        with pytest.raises(Refused) as caught:
            producer.send(whole, 5)
        assert caught.value.refused == {}
        assert caught.value.delivered == {0, 2, 3, 5, 6, 8}
        producer.send(packing.pick(whole, [1, 4, 7], encoder.frame), 5)
        producer.close()
        assert sorted(messages(broker)) == numbers(9)
        assert broker.producers == 1


def test_one_message_that_is_refused_goes_alone() -> None:
    """The broker names it: of its batch nothing was taken, the others come again without it."""
    with KafkaPeer(Say(87, [(1, "bad")], partition=2), partitions=3) as broker:
        encoder, producer = made(broker)
        patience = Patience(lambda: 20.0, lambda: 0.0, lambda _seconds: None, lambda: 0.0)
        verdict = settle(
            payload(encoder, records(30)), producer, encoder.frame, ParkBudget(9, 60, lambda: 0.0), patience
        )
        producer.close()
        assert (verdict.delivered, verdict.parked) == (29, {5: "bad"})
        assert sorted(messages(broker)) == sorted(set(numbers(30)) - {"0005"})


def test_a_batch_that_is_too_large_is_halved_down_to_its_culprit() -> None:
    """The broker says no until a message stands alone; that one is parked with the reason."""
    script: list[Step] = [Say(10), Say(), Say(10), Say(10)]  # 0-3; 0-1 taken; 2-3; 2
    with KafkaPeer(*script) as broker:
        encoder, producer = made(broker)
        patience = Patience(lambda: 20.0, lambda: 0.0, lambda _seconds: None, lambda: 0.0)
        verdict = settle(
            payload(encoder, records(4)), producer, encoder.frame, ParkBudget(9, 60, lambda: 0.0), patience
        )
        producer.close()
        assert (verdict.delivered, list(verdict.parked)) == (3, [2])
        assert messages(broker) == ["0000", "0001", "0003"]


@pytest.mark.parametrize("code", [45, 47, 59])
def test_a_broker_that_forgot_our_numbers_gives_new_ones(code: int) -> None:
    """A new producer; what it refused comes again."""
    with KafkaPeer(Say(), Say(code)) as broker:
        encoder, producer = made(broker)
        producer.send(payload(encoder, records(3), "a"), 5)
        with pytest.raises(Transient, match=f"error {code}"):
            producer.send(payload(encoder, records(3), "b"), 5)
        producer.send(payload(encoder, records(3), "b"), 5)
        producer.close()
        assert messages(broker) == numbers(3) * 2
        assert broker.producers == 2


def test_a_connection_that_the_broker_ended_meanwhile_costs_nothing() -> None:
    """Between two payloads: it is seen before anything is written."""
    with KafkaPeer() as broker:
        encoder, producer = made(broker)
        producer.send(payload(encoder, records(3), "a"), 5)
        broker.hang_up()
        threading.Event().wait(0.05)
        producer.send(payload(encoder, records(3), "b"), 5)
        producer.close()
        assert messages(broker) == numbers(3) * 2


@pytest.mark.parametrize("seconds", [40.0, 60.0])
def test_a_login_is_renewed_before_the_broker_wants_it(seconds: float) -> None:
    """A session of 60 s (KIP-368) ends for us after 54."""
    auth = {"mechanism": "plain", "username": "ferry", "password": "secret://env/PW"}
    clock = Clock()
    with KafkaPeer(password="right", lifetime=60_000) as broker:
        encoder, producer = made(broker, auth=auth, clock=clock)
        producer.send(payload(encoder, records(3), "a"), 5)
        for _ in range(2):  # never idle for long
            clock.now += seconds / 2
            producer.send(payload(encoder, records(3), "b"), 5)
        producer.close()
        assert broker.logins == (1 if seconds < 54 else 2)


def test_new_partitions_are_seen_within_five_minutes() -> None:
    """The topic is looked up again."""
    clock = Clock()
    with KafkaPeer() as broker:
        encoder, producer = made(broker, clock=clock)
        producer.send(payload(encoder, records(6), "a"), 5)
        broker._partitions = 3
        producer.send(payload(encoder, records(6), "b"), 5)
        assert {message.partition for message in broker.messages} == {0}
        clock.now += 301
        producer.send(payload(encoder, records(6), "c"), 5)
        producer.close()
        assert {message.partition for message in broker.messages} == {0, 1, 2}


def test_one_broker_of_several_is_enough() -> None:
    """Those that are down cost their share of the time, and no more."""
    with nobody() as port, KafkaPeer() as broker:
        encoder, producer = made(broker, brokers=[f"127.0.0.1:{port}", "no-such-host.invalid", broker.address])
        producer.check(5)
        producer.send(payload(encoder, records(3)), 5)
        producer.close()
        assert messages(broker) == numbers(3)


def test_key_event_time_and_value_are_those_of_the_record() -> None:
    """The key from a template; milliseconds since 1970."""
    with KafkaPeer() as broker:
        encoder, producer = made(broker, key="{host}/{uri}", format="csv", columns=["uri", "host"])
        fields = {"host": "a.example", "uri": "/x"}
        sent = [Record(0, 1774426530, 7_999_999, fields), Record(1, 1774426531, 0, {"host": "b.example"})]
        producer.send(payload(encoder, sent), 5)
        producer.close()
        found = [(message.key, message.timestamp, message.value) for message in broker.messages]
        first = (b"a.example//x", 1774426530007, b"/x,a.example")
        assert found == [first, (None, 1774426531000, b",b.example")]


def test_check_creates_nothing_and_names_what_is_missing() -> None:
    """A topic that is not there is a person's to make."""
    with KafkaPeer(topic_error=3) as broker:
        _, producer = made(broker)
        with pytest.raises(Misconfigured, match="topic waf: is not there, and is not created here"):
            producer.check(5)
        producer.close()


def test_nothing_to_send_is_nothing_to_do() -> None:
    """Nobody is spoken to."""
    _, producer = made("127.0.0.1:1")
    producer.send(Payload([], [], b""), 5)
    producer.close()


def test_a_connection_that_was_idle_is_not_used_again() -> None:
    """From 60 s on whoever stands between may have forgotten it without a word."""
    auth = {"mechanism": "PLAIN", "username": "ferry", "password": "secret://env/PW"}
    clock = Clock()
    with KafkaPeer(password="right") as broker:
        encoder, producer = made(broker, auth=auth, clock=clock)
        for pause, logins in ((0, 1), (50, 1), (56, 2)):
            clock.now += pause
            producer.send(payload(encoder, records(3), f"{pause}"), 5)
            assert broker.logins == logins
        producer.close()


def test_who_waits_for_its_turn_waits_no_longer_than_its_time() -> None:
    """One payload at a time: the second is told that nothing of it was sent, and comes again."""
    with KafkaPeer(silence) as broker:
        encoder, producer = made(broker, timeout="2s")
        slow = threading.Thread(target=_failing, args=(producer, payload(encoder, records(3), "a")))
        slow.start()
        while broker.script:
            threading.Event().wait(0.01)
        with pytest.raises(Transient, match="another payload of this task is on its way; nothing was sent"):
            producer.send(payload(encoder, records(3), "b"), 0.1)
        broker.hang_up()
        slow.join(5)
        producer.close()


def _failing(producer: Producer, sent: Payload) -> None:
    with pytest.raises(Transient, match="may have been taken"):
        producer.send(sent, 5)


@pytest.mark.parametrize("known", [True, False])
def test_a_broker_may_want_a_certificate_of_ours(tmp_path: Path, known: bool) -> None:  # noqa: FBT001  # a case
    """With one of its authority it is let in; without one it is a person's to set."""
    authority = Authority(tmp_path)
    context = authority.issue().server_context(client_ca=authority.ca_file)
    own = authority.issue(["ferry"])
    tls = {"ca_file": str(authority.ca_file)}
    tls |= {"cert_file": str(own.cert_file), "key_file": str(own.key_file)} if known else {}
    with KafkaPeer(tls=context) as broker:
        _, producer = made(broker, tls=tls)
        if known:
            producer.check(5)
        else:
            with pytest.raises(Misconfigured, match="it wants a client certificate: set cert_file and key_file"):
                producer.check(5)
        producer.close()


def test_a_name_may_be_a_secret_too() -> None:
    """Both are read again when the broker refuses them."""
    auth = {"mechanism": "PLAIN", "username": "secret://env/WHO", "password": "secret://env/PW"}
    environ = {"WHO": "somebody", "PW": "right"}
    with KafkaPeer(password="right") as broker:
        chosen = load(kafka.Config, {"brokers": [broker.address], "topic": "waf", "auth": auth})
        producer = Producer(chosen, Surroundings("t", Vault(environ)))
        with pytest.raises(Misconfigured, match="user name or password is wrong"):
            producer.check(5)
        environ["WHO"] = "ferry"
        assert producer.refresh()
        producer.check(5)
        producer.close()


def test_a_number_in_doubt_is_never_given_to_other_messages() -> None:
    """A later "no" does not undo that the first attempt was taken: a broker would take the next ones for its repeat."""
    with KafkaPeer(lost, Say(6)) as broker:
        encoder, producer = made(broker)
        for _ in range(2):
            with pytest.raises(Transient) as caught:
                producer.send(payload(encoder, records(3), "a"), 5)
            assert caught.value.in_doubt
        producer.send(payload(encoder, records(3), "b"), 5)
        producer.close()
        assert messages(broker) == numbers(3) * 2
        assert broker.producers == 2


def test_after_a_mistake_of_ours_numbers_are_not_used_again() -> None:
    """An error that nobody foresaw, between sending and the answer: what was on its way counts as perhaps taken."""
    clock = Clock()

    def break_the_clock(connection: socket.socket) -> None:
        clock.broken = True
        connection.sendall(b"\0\0\0\x40")

    with KafkaPeer(Lost(break_the_clock)) as broker:
        encoder, producer = made(broker, clock=clock)
        with pytest.raises(RuntimeError, match="no clock"):
            producer.send(payload(encoder, records(3), "a"), 5)
        clock.broken = False
        producer.send(payload(encoder, records(3), "b"), 5)
        producer.close()
        assert messages(broker) == numbers(3) * 2


def test_a_batch_in_doubt_goes_first_when_others_are_made_anew() -> None:
    """One partition took its part, one gave no word, one named a message: each message arrives once, one is parked."""
    with KafkaPeer(Mixed(), partitions=3) as broker:
        encoder, producer = made(broker)
        patience = Patience(lambda: 20.0, lambda: 0.0, lambda _seconds: None, lambda: 0.0)
        verdict = settle(
            payload(encoder, records(30)), producer, encoder.frame, ParkBudget(9, 60, lambda: 0.0), patience
        )
        producer.close()
        assert (verdict.delivered, verdict.parked) == (29, {5: "bad"})
        assert sorted(messages(broker)) == sorted(set(numbers(30)) - {"0005"})
        assert broker.producers == 1
