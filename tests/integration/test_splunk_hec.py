"""Encoding, packing, settling and sending against the hec sink: every record once, or parked, whatever it answers."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from logferry import packing
from logferry.config import load
from logferry.delivery import ParkBudget, Patience, Verdict, settle
from logferry.destinations import Surroundings
from logferry.destinations.splunk_hec import Config, build, encoder
from logferry.errors import Misconfigured
from logferry.model import Record
from logferry.vault import Vault
from logferry_local.sinks import Place
from logferry_local.sinks.hec import Fault, Options, open_sink

TOKEN = "0f0f0f0f-0000"


class Outcome(NamedTuple):
    """What came of a run."""

    indexed: list[int]  # ordinals in the sink's file, in its order
    parked: dict[int, str]
    delivered: int


@contextlib.contextmanager
def sink(folder: Path, *faults: Fault, **options: object) -> Iterator[str]:
    """The hec sink's address."""
    running = open_sink(Place(folder / "hec.ndjson"), Options(**options), faults=faults)  # type: ignore[arg-type]  # the sink's options
    try:
        yield running.address
    finally:
        running.close()


def deliver(url: str, folder: Path, sizes: Sequence[int], **options: object) -> Outcome:
    """Records of these sizes, settled payload by payload without real waiting."""
    config = load(Config, {"url": url, "token": "secret://env/T"} | options)
    around = Surroundings("task", Vault({"T": TOKEN}))
    encode, to = encoder(config, around), build(config, around)
    patience = Patience(lambda: 60.0, lambda: 0.0, lambda _: None, lambda: 0.5)
    total = Verdict()
    records = [Record(n, 1774426530, 0, {"n": n, "message": "x" * size}) for n, size in enumerate(sizes)]
    parts = ((record.ordinal, encode.encode(record)) for record in records)
    try:
        for payload in packing.pack(parts, to.limits, encode.frame):
            verdict = settle(payload, to, encode.frame, ParkBudget(100, 60, lambda: 0.0), patience)
            total.delivered += verdict.delivered
            total.parked |= verdict.parked
    finally:
        to.close()
    lines = (folder / "hec.ndjson").read_bytes().splitlines()
    return Outcome([orjson.loads(line)["event"]["n"] for line in lines], total.parked, total.delivered)


def test_every_record_is_indexed_once_and_in_order(tmp_path: Path) -> None:
    """Several payloads of a plain run."""
    with sink(tmp_path) as url:
        found = deliver(url, tmp_path, [500] * 3000, max_bytes=100_000)
    assert found == (list(range(3000)), {}, 3000)


def test_poison_records_are_parked_and_the_others_indexed_once(tmp_path: Path) -> None:
    """The collector refuses some events of a batch; the repair loses and repeats nothing."""
    poison = {0, 7, 8, 19}
    sizes = [2000 if n in poison else 10 for n in range(20)]
    with sink(tmp_path, max_event_bytes=1000) as url:
        found = deliver(url, tmp_path, sizes)
    assert found.indexed == [n for n in range(20) if n not in poison]
    assert set(found.parked) == poison
    assert found.delivered == 16
    assert all("code 6 (Invalid data format)" in reason for reason in found.parked.values())


def test_bodies_over_the_collectors_limit_are_split(tmp_path: Path) -> None:
    """413 halves until it fits; a single record that never fits is parked."""
    sizes = [30_000, *[900] * 200]
    with sink(tmp_path, max_bytes=20_000) as url:
        found = deliver(url, tmp_path, sizes)
    assert (found.indexed, set(found.parked)) == (list(range(1, 201)), {0})


def test_large_body_blamed_on_object_0_is_split(tmp_path: Path) -> None:
    """A collector that answers code 6, object 0 to a large body gets halves, and no record is blamed."""
    blame = Fault(status=400, body={"text": "Invalid data format", "code": 6, "invalid-event-number": 0})
    with sink(tmp_path, blame, blame) as url:
        found = deliver(url, tmp_path, [5_000] * 150)
    assert (sorted(found.indexed), found.parked, found.delivered) == (list(range(150)), {}, 150)


def test_busy_collector_gets_the_payload_again(tmp_path: Path) -> None:
    """Transient answers are waited out; nothing was taken, so nothing repeats."""
    faults = [
        Fault(status=503, body={"text": "Server is busy", "code": 9, "invalid-event-number": 0}),
        Fault(status=429, headers={"Retry-After": "1"}),
        Fault(status=504, body="<html>gateway</html>"),
    ]
    with sink(tmp_path, *faults) as url:
        found = deliver(url, tmp_path, [10] * 5)
    assert (found.indexed, found.delivered) == ([0, 1, 2, 3, 4], 5)


def test_answer_lost_after_taking_repeats_but_never_loses(tmp_path: Path) -> None:
    """Code 8 after the events were indexed: at least once means twice here."""
    with sink(tmp_path, Fault(status=500, body={"text": "Internal server error", "code": 8}, taken=True)) as url:
        found = deliver(url, tmp_path, [10] * 3)
    assert (found.indexed, found.delivered) == ([0, 1, 2, 0, 1, 2], 3)


def test_wrong_index_holds_the_task_and_parks_nothing(tmp_path: Path) -> None:
    """An index that the token does not allow is configuration."""
    with sink(tmp_path, indexes="main") as url, pytest.raises(Misconfigured, match=r"code 7 \(Incorrect index\)"):
        deliver(url, tmp_path, [10] * 3, index="waf")


def test_no_body_exceeds_the_limit(tmp_path: Path) -> None:
    """`max_bytes` counts the frame as well: a collector with just that limit never answers 413."""
    sizes = [n % 300 for n in range(500)]
    with sink(tmp_path, max_bytes=5_000) as url:
        found = deliver(url, tmp_path, sizes, max_bytes=5_000)
        whole = deliver(url, tmp_path, [4_800, 5_000], max_bytes=5_000)
    assert found == (list(range(500)), {}, 500)
    assert (whole.delivered, set(whole.parked)) == (1, {1})


def test_published_loop_is_understood_by_the_sink(tmp_path: Path) -> None:
    """An independent client, `requests` alone, one envelope a post with a JSON text as event, is taken."""
    code = (
        "import json, requests, sys\n"
        "session = requests.session()\n"
        "session.trust_env = False\n"
        "session.headers['Authorization'] = 'Splunk t'\n"
        "for n in range(3):\n"
        "    event = {'index': 'main', 'time': '1774426530', 'event': json.dumps({'n': n})}\n"
        "    data = json.dumps(event, sort_keys=True)\n"
        "    session.post(sys.argv[1] + '/services/collector', data=data, timeout=10).raise_for_status()\n"
        "session.close()\n"
    )
    with sink(tmp_path, token="t") as url:
        subprocess.run([sys.executable, "-c", code, url], check=True, timeout=60)
    lines = (tmp_path / "hec.ndjson").read_text().splitlines()
    assert [re.search(r'"event": "(.*)", "index"', line)[1] for line in lines] == [  # type: ignore[index]  # it matches
        f'{{\\"n\\": {n}}}' for n in range(3)
    ]


def test_raw_lines_arrive_with_their_metadata(tmp_path: Path) -> None:
    """`endpoint: raw`: a line a record at /raw, metadata in the query, every one there once."""
    with sink(tmp_path) as url:
        config = load(
            Config,
            {
                "url": url,
                "token": "secret://env/T",
                "endpoint": "raw",
                "sourcetype": "a&b",
                "index": "w f",
                "ack": True,
            },
        )
        around = Surroundings("task", Vault({"T": TOKEN}))
        encode, to = encoder(config, around), build(config, around)
        records = [Record(n, 1774426530, 0, {"n": n}) for n in range(10)]
        parts = [(record.ordinal, encode.encode(record)) for record in records]
        (payload,) = packing.pack(parts, to.limits, encode.frame)
        to.send(payload, 200)
        to.close()
    lines = [orjson.loads(line) for line in (tmp_path / "hec.ndjson").read_bytes().splitlines()]
    assert [orjson.loads(line["event"])["n"] for line in lines] == list(range(10))
    assert {(line["sourcetype"], line["index"]) for line in lines} == {("a&b", "w f")}


def test_refused_raw_body_is_bisected(tmp_path: Path) -> None:
    """The collector names no line: the culprit is found by halves and parked, the others are there."""
    wrong = Fault(status=400, body={"text": "Invalid data format", "code": 6})
    with sink(tmp_path, wrong, wrong, wrong) as url:
        found = deliver_raw(url, tmp_path, 4)
    assert (sorted(found.indexed), set(found.parked), found.delivered) == ([1, 2, 3], {0}, 3)


def deliver_raw(url: str, folder: Path, count: int) -> Outcome:
    """Numbered lines, settled as one payload."""
    config = load(Config, {"url": url, "token": "secret://env/T", "endpoint": "raw", "raw_field": "n"})
    around = Surroundings("task", Vault({"T": TOKEN}))
    encode, to = encoder(config, around), build(config, around)
    patience = Patience(lambda: 60.0, lambda: 0.0, lambda _: None, lambda: 0.5)
    parts = [(n, encode.encode(Record(n, 1774426530, 0, {"n": n}))) for n in range(count)]
    (payload,) = packing.pack(parts, to.limits, encode.frame)
    verdict = settle(payload, to, encode.frame, ParkBudget(100, 60, lambda: 0.0), patience)
    to.close()
    lines = (folder / "hec.ndjson").read_bytes().splitlines()
    return Outcome([int(orjson.loads(line)["event"]) for line in lines], verdict.parked, verdict.delivered)
