"""Any sequence of misfortunes: nothing is lost, and while a broker only fails or falls silent, nothing is twice."""

import contextlib
import json
from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.adapter import records
from tests.fakes.kafka_peer import KafkaPeer, Late, Mixed, Say, Step, lost
from tests.fakes.misbehaving import close, reset

from logferry import packing
from logferry.config import load
from logferry.delivery import ParkBudget, Patience, settle
from logferry.destinations import Surroundings, kafka
from logferry.model import Limits, Origin
from logferry.vault import Vault

PASSING: Sequence[Step] = (
    Say(), Say(6), Late(6), Say(7), Say(19), Say(3, partition=1), Say(20, partition=0),
    Say(89, throttle=10), lost, close, reset,
)  # fmt: skip
REFUSING: Sequence[Step] = (Say(10), Say(10, partition=2), Mixed(), Say(87, [(0, "bad")], partition=0))
FORGETTING: Sequence[Step] = (Say(45), Say(47), Say(59, partition=1))


def delivered(script: Sequence[Step]) -> tuple[Counter[str], set[str], set[str]]:
    """(how often each message was kept, parked ones, those said to be perhaps repeated) of four payloads of 9."""
    kept, parked, repeated = Counter[str](), set[str](), set[str]()
    with KafkaPeer(*script, partitions=3) as broker, contextlib.ExitStack() as stack:
        chosen = load(kafka.Config, {"brokers": [broker.address], "topic": "waf", "balancer": "RoundRobin"})
        around = Surroundings("t", Vault({}))
        encoder, to = kafka.encoder(chosen, around), kafka.build(chosen, around)
        stack.callback(to.close)
        patience = Patience(lambda: 60.0, lambda: 0.0, lambda _seconds: None, lambda: 0.0)
        for begin in range(0, 36, 9):
            parts = [(record.ordinal, encoder.encode(record)) for record in records(36)[begin : begin + 9]]
            (found,) = packing.pack(parts, Limits(max_bytes=10**9, max_records=100), encoder.frame)
            verdict = settle(
                found._replace(origin=Origin("0", f"{begin}", 0)), to, encoder.frame,
                ParkBudget(1000, 60, lambda: 0.0), patience,
            )  # fmt: skip
            assert verdict.delivered + len(verdict.parked) == 9
            parked |= {f"{number:04}" for number in verdict.parked}
            repeated |= {f"{number:04}" for number in verdict.repeated}
        kept.update(json.loads(message.value)["message"][:4] for message in broker.messages)
    return kept, parked, repeated


ALL = {f"{number:04}" for number in range(36)}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PASSING), max_size=8))
def test_each_message_is_kept_once(script: list[Step]) -> None:
    """Neither lost nor twice, whatever was cut or answered before."""
    kept, parked, _ = delivered(script)
    assert kept == Counter(ALL)
    assert parked == set()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from((*PASSING, *REFUSING, *FORGETTING)), max_size=8))
def test_nothing_is_lost_and_every_repeat_was_foretold(script: list[Step]) -> None:
    """Where numbers in doubt have to be given up messages may be kept twice; the engine was told that they might."""
    kept, parked, repeated = delivered(script)
    assert set(kept) | parked == ALL
    assert {name for name, count in kept.items() if count > 1} <= repeated
