"""The commands `invoke`, `triggers run` and `package`, as one types them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from tests.functions.place import Delivery, delivering

from logferry import objects
from logferry.dead_letters import DeadLetters, Place
from logferry.sls.write import encode_log_group

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from logferry_local.cli import main; main()"]


@pytest.fixture
def delivery(tmp_path: Path) -> Iterator[Delivery]:
    """Log store, receiver, and a task between them."""
    with delivering(tmp_path) as made:
        yield made


def run(*words: object, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    command = [*COMMAND, *map(str, words)]
    return subprocess.run(
        command, env=environ or dict(os.environ), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def event_file(folder: Path, endpoint: str) -> Path:
    """The sample event of the SLS trigger, for another endpoint."""
    event = json.loads((ROOT / "events/forward/sls_trigger.fc.json").read_text())
    event["source"]["endpoint"] = endpoint
    path = folder / "event.fc.json"
    path.write_text(json.dumps(event))
    return path


@pytest.mark.parametrize("cloud", ["fc", "aws"])
def test_invoke_forwards_up_to_now(delivery: Delivery, tmp_path: Path, cloud: str) -> None:
    """The sample event, rung for all that is there: delivered, and told as JSON."""
    delivery.place.put(0, "a", "b")
    path = event_file(tmp_path, delivery.place.address)
    done = run("invoke", "forward", "--event", path, "--to-end", "--cloud", cloud, "--json", environ=delivery.environ)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    reply = found["reply"] if cloud == "aws" else json.loads(found["reply"])
    assert found["ok"]
    assert reply["tasks"]["waf-to-splunk"]["delivered"] == 2
    assert delivery.received() == ["a", "b"]


def test_invoke_under_awss_own_client(delivery: Delivery, tmp_path: Path) -> None:
    """`--cloud awslambdaric` runs the function in what Lambda itself runs it in."""
    pytest.importorskip("awslambdaric")
    delivery.place.put(0, "a")
    path = event_file(tmp_path, delivery.place.address)
    words = ("invoke", "forward", "--event", path, "--to-end", "--cloud", "awslambdaric", "--json")
    done = run(*words, environ=delivery.environ)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["reply"]["tasks"]["waf-to-splunk"]["delivered"] == 1


def test_invoke_of_an_old_range_moves_nothing(delivery: Delivery, tmp_path: Path) -> None:
    """A doorbell is no position: the sample's own cursors are a success without work."""
    delivery.place.put(0, "a")
    done = run("invoke", "forward", "--event", event_file(tmp_path, delivery.place.address), environ=delivery.environ)
    assert done.returncode == 0, done.stderr
    assert delivery.received() == []


@pytest.mark.parametrize(("name", "kind"), [("fc", "stackTrace"), ("aws", "requestId")])
def test_a_failed_invoke_prints_the_clouds_error_body(delivery: Delivery, tmp_path: Path, name: str, kind: str) -> None:
    """An event of a foreign endpoint: exit 1, the platform's form, and what the tasks read instead."""
    path = event_file(tmp_path, "http://127.0.0.1:1")
    done = run("invoke", "forward", "--event", path, "--cloud", name, "--json", environ=delivery.environ)
    body = json.loads(done.stdout)["reply"]
    assert done.returncode == 1
    assert body["errorType"] == "ConfigError"
    assert f"is read by no task; the tasks read sls: endpoint {delivery.place.address}," in body["errorMessage"]
    assert kind in body
    assert json.loads(done.stderr.splitlines()[0])["error"] == "ConfigError"


def test_a_person_sees_no_stack_of_a_failed_invoke(delivery: Delivery, tmp_path: Path) -> None:
    """Without --json the error body is what was wrong, and nothing else."""
    done = run("invoke", "forward", "--event", event_file(tmp_path, "http://127.0.0.1:1"), environ=delivery.environ)
    assert set(json.loads(done.stdout)) == {"errorMessage", "errorType"}
    assert "Traceback" not in done.stderr


def test_a_sweep_that_reports_a_held_task_is_exit_code_1(delivery: Delivery) -> None:
    """The function returned, but a person must act: a timer on a host sees it by the exit code, each time."""
    delivery.place.put(0, "a")
    environ = {name: value for name, value in delivery.environ.items() if name != "SPLUNK_TOKEN"}
    for reason in ("SPLUNK_TOKEN is not set", "held until 20"):
        done = run("invoke", "sweep", "--event", ROOT / "events/sweep/timer.fc.json", environ=environ)
        assert done.returncode == 1
        assert reason in json.loads(done.stdout)["held"]["waf-to-splunk"]


def test_sample_events_of_sweep_work_on_both_clouds(delivery: Delivery) -> None:
    """The cloud is known by the file's name."""
    for name in ("timer.fc.json", "schedule.aws.json"):
        done = run("invoke", "sweep", "--event", ROOT / "events/sweep" / name, environ=delivery.environ)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["by_hand.fc.json", "timer.fc.json", "schedule.aws.json"])
def test_sample_events_of_replay_deliver_a_dead_letter(delivery: Delivery, name: str) -> None:
    """By hand and by each cloud's timer: what was refused for a reason that has passed arrives, once."""
    store = objects.open_store(delivery.environ["LOGFERRY_OBJECTS"])
    original = encode_log_group([(1_700_000_000, 0, {"name": "parked"})])
    dead = DeadLetters(store, time.time)
    dead.park("waf-to-splunk", 1, Place("0", "b", 0), "HTTP 400 code 7 (Incorrect index)", original)
    replies = []
    for _ in range(2):
        done = run("invoke", "replay", "--event", ROOT / "events/replay" / name, "--json", environ=delivery.environ)
        assert done.returncode == 0, done.stderr
        reply = json.loads(done.stdout)["reply"]
        replies.append((json.loads(reply) if isinstance(reply, str) else reply)["tasks"]["waf-to-splunk"]["delivered"])
    assert replies == [1, 0]
    assert delivery.received() == ["parked"]
    assert dead.counts("waf-to-splunk") == {"open": 0, "replayed": 1, "discarded": 0}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["forwrd", "--event", "s.yaml"], "'forwrd' is not one of forward, "),
        (["forward", "--event", "no-such-file"], "no-such-file: cannot be read"),
    ],
)
def test_invoke_tells_what_is_wrong(words: Sequence[str], problem: str) -> None:
    """Wrong usage is exit code 2 and one sentence."""
    done = run("invoke", *words)
    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def triggers(delivery: Delivery, tmp_path: Path, *words: str) -> list[str]:
    """`logferry triggers run` for the delivery's logstore."""
    given = ["--endpoint", delivery.place.address, "--positions", str(tmp_path / "triggers.json"), *words]
    return ["triggers", "run", "--from", "begin", *given]


@pytest.mark.parametrize("way", [[], ["--in-process"]])
def test_triggers_until_idle_deliver_everything(delivery: Delivery, tmp_path: Path, way: list[str]) -> None:
    """The deploy file's trigger, fired here: every log once, and nothing left on a second run."""
    delivery.place.put(0, "a", "b")
    delivery.place.put(1, "c")
    words = triggers(delivery, tmp_path, "--until-idle", "--json", *way)
    first, second = (run(*words, environ=delivery.environ) for _ in range(2))
    assert first.returncode == second.returncode == 0, first.stderr
    fired = [json.loads(line) for line in first.stdout.splitlines()]
    assert [(one["trigger"], one["function"], one["ok"], one["shard"]) for one in fired] == [
        ("waf-logstore", "forward", True, 0),
        ("waf-logstore", "forward", True, 1),
    ]
    assert second.stdout == ""
    assert delivery.received() == ["a", "b", "c"]


def test_a_range_given_up_by_the_trigger_is_healed_by_sweep(delivery: Delivery, tmp_path: Path) -> None:
    """Every call fails, the trigger gives up and never comes back to that range; the timer loses nothing."""
    delivery.place.put(0, "a")
    text = (ROOT / "s.yaml").read_text().replace("maxRetryTime: 3", "maxRetryTime: 1")
    (tmp_path / "s.yaml").write_text(text)
    words = triggers(delivery, tmp_path, "--file", str(tmp_path / "s.yaml"), "--until-idle")
    given_up = run(*words, environ={**delivery.environ, "LOGFERRY_LOG_LEVEL": "broken"})
    assert given_up.returncode == 1
    assert "given up (call 2): \"environment: LOGFERRY_LOG_LEVEL: 'broken'" in given_up.stdout
    assert run(*words, environ=delivery.environ).stdout == ""
    assert delivery.received() == []
    healed = run("invoke", "sweep", "--event", ROOT / "events/sweep/timer.fc.json", environ=delivery.environ)
    assert healed.returncode == 0, healed.stderr
    assert delivery.received() == ["a"]


def test_triggers_that_could_not_look_are_exit_code_1(delivery: Delivery, tmp_path: Path) -> None:
    """A logstore that is not there has no new data, and that is no success."""
    done = run(*triggers(delivery, tmp_path, "--until-idle", "--var", "project=no-such-one"), environ=delivery.environ)
    assert done.returncode == 1
    assert "ProjectNotExist" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_triggers_run_ends_in_order_when_interrupted(delivery: Delivery, tmp_path: Path, number: int) -> None:
    """Ctrl-C, or the end of a service: what was delivered stays delivered, no function process stays behind."""
    delivery.place.put(0, "a")
    command = [*COMMAND, *triggers(delivery, tmp_path)]
    with subprocess.Popen(command, env=delivery.environ, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert "done (call 1)" in child.stdout.readline()
        child.send_signal(number)
        assert child.wait(30) == 0
    assert delivery.received() == ["a"]


def test_package_prints_its_sizes(tmp_path: Path) -> None:
    """One object with each zip's path, size and hash."""
    done = run("package", "--python", "host", "--only", "function-forward", "--out", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["packages"]
    assert found["name"] == "function-forward"
    assert Path(found["path"]).stat().st_size == found["packed"]
