"""Poison records from end to end: found by bisection, parked alone, mended, replayed, delivered exactly once."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.fakes.aws import ENVIRON, aws_server
from tests.fakes.ferry import ROOT, Ferry, ferry

from logferry import replay_calls, wiring
from logferry.dead_letters import Edit
from logferry.letters import edit
from logferry.model import Counts
from logferry_local.sinks import Place, hec
from logferry_local.sinks._web import Answer, Question, WebSink, unpack

COMMAND = [sys.executable, "-c", "from logferry_local.cli import main; main()"]
SMALL = hec.Options(token="hec-token", max_event_bytes=2_000)  # what is larger is refused: poison
LARGE = "x" * 3_000


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """One shard, nothing in it."""
    with ferry(tmp_path) as made:
        yield made


def run(boat: Ferry, *words: str) -> tuple[int, str, str]:
    """One command without a terminal: exit code, output, complaint."""
    done = subprocess.run(
        [*COMMAND, *words], env=boat.environ, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def replay(boat: Ferry, **event: object) -> dict[str, Any]:
    """The function, called by hand; what it says of its tasks."""
    answer = replay_calls.replay(boat.call({"task": "to-hec", **event}))
    tasks: dict[str, Any] = answer["tasks"]  # type: ignore[assignment]  # JSON
    return tasks


def mend(boat: Ferry, task: str = "to-hec") -> int:
    """Make every open letter's record small; how many."""
    dead = wiring.workshop(boat.environ).dead
    keys = list(dead.keys(task, "open"))
    for key in keys:
        edit(dead, key, Edit(by="me", at=1, set={"big": "small"}))
    return len(keys)


def poisoned(boat: Ferry, bad: int, good: int = 30, **task: Any) -> None:  # noqa: ANN401  # parts of a task
    """A task that met `bad` records, each between `good` others."""
    for _ in range(bad):
        boat.put(good)
        boat.put(1, big=LARGE)
    boat.hec(sink=SMALL, **task)
    boat.until_done()


def test_a_poison_record_is_parked_alone_edited_replayed_and_there_once(boat: Ferry) -> None:
    """The whole way, by the commands that a person types; the ledger is right at each step."""
    poisoned(boat, bad=1)
    assert boat.verified("to-hec") == Counts(read=31, delivered=30, parked=1)
    _, listed, _ = run(boat, "dead", "list", "--each")
    [place] = [line.split("\t")[0] for line in listed.splitlines()]
    code, out, _ = run(boat, "dead", "replay", "--task", "to-hec", "--json")
    assert (code, json.loads(out)["tasks"]["to-hec"]["refused"]) == (1, 1)
    assert run(boat, "dead", "edit", place, "--set", "big=small", "--by", "me")[0] == 0
    assert run(boat, "dead", "replay", "--task", "to-hec")[0] == 0
    assert boat.received("to-hec")["id-000030"] == 1
    assert set(boat.received("to-hec").values()) == {1}
    assert len(boat.received("to-hec")) == 31
    code, out, _ = run(boat, "ledger", "--verify", "--json")
    assert code == 0
    assert json.loads(out)["tasks"][0]["totals"]["dead_letters"] == {"open": 0, "replayed": 1, "discarded": 0}
    shown = json.loads(run(boat, "dead", "show", place, "--json")[1])
    assert (shown["state"], shown["fields"]["big"], shown["original"]["fields"]["big"]) == ("replayed", "small", LARGE)
    assert shown["edits"][0]["by"] == "me"


def test_a_poison_record_is_found_by_bisection_where_the_answer_names_none(boat: Ferry) -> None:
    """A collector that says 400 to a whole payload: halved until the culprit stands alone; it alone is parked."""
    boat.put(400)
    boat.put(1, big="POISON")
    boat.put(400)
    bodies: list[bytes] = []
    out = boat.folder / "to-hec.ndjson"
    boat.sinks["to-hec"] = out

    def picky(question: Question) -> Answer:
        if question.method != "POST":
            return Answer(200, b'{"text": "HEC is healthy", "code": 17}')
        body = unpack(question, 1 << 26)
        bodies.append(body)
        if b"POISON" in body:
            return Answer(400, b'{"text": "Invalid data format", "code": 6}')
        with out.open("ab") as file:
            file.write(body.rstrip(b"\n") + b"\n")
        return Answer(200, b'{"text": "Success", "code": 0}')

    gateway = WebSink(Place(out), picky, lambda: None, max_body=1 << 26)
    boat.stack.callback(gateway.close)
    boat.apply("to-hec", {"splunk_hec": {"url": gateway.address, "token": "secret://env/HEC_TOKEN"}})
    boat.until_done()
    counts = boat.verified("to-hec")
    assert (counts.read, counts.delivered, counts.parked) == (801, 800, 1)
    assert 8 < sum(b"POISON" in body for body in bodies) < 12  # about log2 of a payload
    refused = len(bodies)
    [key] = wiring.workshop(boat.environ).dead.keys("to-hec", "open")
    edit(wiring.workshop(boat.environ).dead, key, Edit(by="me", at=1, unset=("big",)))
    assert replay(boat)["to-hec"]["delivered"] == 1
    assert len(bodies) == refused + 1
    assert (len(boat.received("to-hec")), set(boat.received("to-hec").values())) == (801, {1})
    assert boat.verified("to-hec").parked == 1


def test_the_park_budget_holds_the_task_and_resume_goes_on(boat: Ferry) -> None:
    """A destination that refuses everything parks no stream; once it is right, nothing is missing."""
    boat.put(500, big=LARGE)
    address = boat.hec(sink=SMALL)
    assert "101 records refused within 600 s" in str(boat.sweep()["held"])
    dead = wiring.workshop(boat.environ).dead
    assert sum(1 for _ in dead.keys("to-hec", "open")) == 0
    assert boat.row("to-hec").counts.read == 0
    boat.apply("to-hec", {"splunk_hec": {"url": address, "token": "secret://env/HEC_TOKEN"}}, fields=["id"])
    assert run(boat, "task", "resume", "to-hec")[0] == 0
    assert boat.sweep()["finished"]
    counts = boat.verified("to-hec")
    assert (counts.read, counts.delivered, counts.parked) == (500, 500, 0)
    assert set(boat.received("to-hec").values()) == {1}


def test_resume_ends_the_rest_of_the_streams(boat: Ferry) -> None:
    """A stream that rests after failures is tried at once."""
    boat.put(10)
    fault = hec.Fault(status=503, headers={"Retry-After": "300"})
    place = Place(boat.folder / "to-hec.ndjson")
    sink = hec.open_sink(place, SMALL, faults=[fault])
    boat.stack.callback(sink.close)
    boat.sinks["to-hec"] = place.out
    boat.apply("to-hec", {"splunk_hec": {"url": sink.address, "token": "secret://env/HEC_TOKEN"}})
    boat.sweep(seconds=8)
    assert boat.row("to-hec").retry_at > 0
    assert run(boat, "task", "resume", "to-hec")[0] == 0
    assert boat.row("to-hec").retry_at == 0
    wiring.dismiss()  # the destination, too, remembers for how long it was asked to be left alone
    assert boat.sweep()["finished"]
    assert len(boat.received("to-hec")) == 10


def test_letters_go_to_another_tasks_destination(boat: Ferry) -> None:
    """`to`: as that task would deliver them; the ledger stays the first one's, and stays right."""
    poisoned(boat, bad=3)
    boat.syslog("quarantine", start="end")
    assert replay(boat, to="quarantine")["to-hec"]["delivered"] == 3
    assert set(boat.received("quarantine")) == {"id-000030", "id-000061", "id-000092"}
    assert boat.verified("to-hec") == Counts(read=93, delivered=90, parked=3)
    assert boat.verified("quarantine") == Counts()


@pytest.mark.parametrize(
    ("step", "count", "twice"),
    [("sent", 2, 10), ("parked", 1, 9), ("parked", 16, 4), ("removed", 3, 7), ("removed", 20, 0)],
)
def test_a_replay_killed_at_any_step_loses_nothing(boat: Ferry, step: str, count: int, twice: int) -> None:
    """Killed and run again: every letter is delivered, only what was sent and not yet moved (of one payload) twice."""
    poisoned(boat, bad=20)
    assert mend(boat) == 20
    command = [sys.executable, "-m", "tests.fakes.mortal_replay", step, str(count)]
    died = subprocess.run(command, cwd=ROOT, env=boat.environ, check=False, timeout=60).returncode
    assert died == -9
    for _ in range(40):  # the dead one's lease runs out after a second
        answer = replay_calls.replay(boat.call({"task": "to-hec"}))
        if answer["finished"]:
            break
        assert "somebody else is at its dead letters" in str(answer["unfinished"])
        time.sleep(0.1)
    received = boat.received("to-hec")
    assert len(received) == 620
    assert received.total() - 620 <= twice
    dead = wiring.workshop(boat.environ).dead
    assert dead.counts("to-hec") == {"open": 0, "replayed": 20, "discarded": 0}
    assert list(dead.keys("to-hec", "open")) == []
    assert boat.verified("to-hec") == Counts(read=620, delivered=600, parked=20)


def test_letters_of_a_deleted_task_are_listed_replayed_elsewhere_and_discarded(boat: Ferry) -> None:
    """Data outlives its task: a replay needs another task's destination, a discard needs none."""
    poisoned(boat, bad=2)
    code, _, said = run(boat, "task", "delete", "to-hec")
    assert (code, "needs --yes" in said) == (2, True)
    assert run(boat, "task", "delete", "to-hec", "--yes")[0] == 0
    assert run(boat, "dead", "list")[1].split("\t")[:2] == ["to-hec", "2"]
    code, _, said = run(boat, "dead", "replay", "--task", "to-hec")
    assert (code, "--to TASK" in said) == (2, True)
    boat.syslog("quarantine", start="end")
    assert run(boat, "dead", "replay", "--task", "to-hec", "--to", "quarantine", "--limit", "1")[0] == 0
    assert len(boat.received("quarantine")) == 1
    code, _, said = run(boat, "dead", "discard", "--task", "to-hec")
    assert (code, "needs --yes" in said) == (2, True)
    assert run(boat, "dead", "discard", "--task", "to-hec", "--yes")[0] == 0
    assert run(boat, "dead", "list", "--counts")[1] == "to-hec\t0\t0\t1\t1\n"


def test_the_ledger_is_right_after_discards_and_a_lost_letter_is_still_found(boat: Ferry) -> None:
    """`--verify` counts letters of all states: one that vanished shows whatever became of the others."""
    poisoned(boat, bad=3)
    assert run(boat, "dead", "discard", "--reason", "Invalid", "--limit", "2", "--yes")[0] == 0
    assert boat.verified("to-hec").parked == 3
    shown = run(boat, "task", "show", "to-hec")[1]
    assert "# dead letters: 1 open, 0 replayed, 2 discarded" in shown
    dead = wiring.workshop(boat.environ).dead
    (boat.folder / "objects" / next(dead.keys("to-hec", "discarded"))).unlink()
    code, out, _ = run(boat, "ledger", "--verify", "--json")
    assert code == 1
    assert "parked 3, the store holds 2" in json.loads(out)["problems"][0]


def test_a_wrong_token_holds_the_task_as_in_every_run(boat: Ferry) -> None:
    """A replay is a run like others: nothing moves, the task is unhealthy, the next replay waits for its next try."""
    poisoned(boat, bad=1)
    boat.environ["HEC_TOKEN"] = "wrong"
    wiring.dismiss()
    for reason in ("token", "is held until"):
        code, _, said = run(boat, "dead", "replay", "--task", "to-hec")
        assert (code, reason in said) == (2, True), said
    assert wiring.workshop(boat.environ).holds.health("to-hec") is not None
    boat.environ["HEC_TOKEN"] = "hec-token"
    assert run(boat, "task", "resume", "to-hec")[0] == 0
    mend(boat)
    assert run(boat, "dead", "replay", "--task", "to-hec")[0] == 0
    assert len(boat.received("to-hec")) == 31


def test_replay_over_s3_and_dynamodb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stores of the cloud functions: pages are listed while letters move out of them."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    with aws_server() as url:
        places = _furnish(url)
        with ferry(tmp_path, settings=[*places.items()]) as boat:
            poisoned(boat, bad=20, good=5)
            assert mend(boat) == 20
            assert replay(boat)["to-hec"]["delivered"] == 20
            assert boat.verified("to-hec") == Counts(read=120, delivered=100, parked=20)
            assert set(boat.received("to-hec").values()) == {1}
            assert wiring.workshop(boat.environ).dead.counts("to-hec")["replayed"] == 20


def _furnish(url: str) -> dict[str, str]:
    """A bucket and a table; where they are."""
    options: dict[str, Any] = {
        "endpoint_url": url, "region_name": ENVIRON["AWS_DEFAULT_REGION"],
        "aws_access_key_id": ENVIRON["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": ENVIRON["AWS_SECRET_ACCESS_KEY"],
    }  # fmt: skip
    place = {"LocationConstraint": ENVIRON["AWS_DEFAULT_REGION"]}
    boto3.client("s3", **options).create_bucket(Bucket="dead", CreateBucketConfiguration=place)
    keys = (("partition", "HASH"), ("sort", "RANGE"))
    boto3.client("dynamodb", **options).create_table(
        TableName="state", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
    )  # fmt: skip
    where = f"region={ENVIRON['AWS_DEFAULT_REGION']}&endpoint={url}"
    return {
        "LOGFERRY_STATE": f"dynamodb:state?{where}", "LOGFERRY_OBJECTS": f"s3:dead/objects?{where}",
        "LOGFERRY_LEASE_SECONDS": "10",
    }  # fmt: skip
