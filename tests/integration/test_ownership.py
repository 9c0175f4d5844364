"""From `pending` to delivered: against moto with every right checked, against HEC and HTTP receivers, by a put."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.fakes.buckets import Account, account, records_of
from tests.fakes.ferry import LOGSTORE, PROJECT, Ferry, ferry
from typer.testing import CliRunner

from logferry import calls, wiring
from logferry.errors import ConfigError, Misconfigured, Transient
from logferry.model import Counts
from logferry_local import cli

ROOT = Path(__file__).parents[2]
KEYS = {"access_key_id": "secret://env/ID", "secret_access_key": "secret://env/KEY"}


@pytest.fixture(scope="module")
def place() -> Iterator[Account]:
    """A bucket whose writer may only put, and whose owner may read."""
    with account("waf/") as made:
        yield made


@pytest.fixture
def boat(tmp_path: Path, place: Account) -> Iterator[Ferry]:
    """A log store, and the writer's key in the environment of whoever delivers."""
    with ferry(tmp_path, settings=list(place.writer.items())) as made:
        yield made


def command(boat: Ferry, *words: str, **environ: str) -> str:
    """What `logferry task …` prints; its error is raised."""
    result = CliRunner().invoke(cli.app(), ["task", *words], env={**boat.environ, **environ})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def to_bucket(place: Account, path: str) -> dict[str, Any]:
    """The destination."""
    return {"s3": {"bucket": place.bucket, "path": path, "region": "us-east-1", "endpoint": place.url, **KEYS}}


def file(boat: Ferry, destination: Mapping[str, Any], name: str = "to-bucket", **more: object) -> Path:
    """A task file."""
    source = {"sls": {"endpoint": boat.address, "project": PROJECT, "logstore": LOGSTORE}}
    path = boat.folder / f"{name}.json"
    path.write_text(json.dumps({"task": name, "source": source, "destination": destination, **more}))
    return path


def state(boat: Ferry, name: str = "to-bucket") -> str:
    """As `list` has it."""
    tasks = json.loads(command(boat, "list", "--json"))["tasks"]
    return next(str(task["state"]) for task in tasks if task["task"] == name)


def below(place: Account, path: str) -> dict[str, bytes]:
    """Objects of the owner's bucket."""
    return {key: it["Body"] for key, it in place.objects().items() if key.startswith(f"{path}/")}


def delivered(boat: Ferry, task: str = "to-bucket") -> Counts:
    """Delivered to the end, and recounted."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if boat.sweep()["finished"] and boat.row(task).lease is None:
            return boat.verified(task)
        time.sleep(0.2)
    raise AssertionError("not done")


def test_nothing_is_read_before_the_owner_tells_the_token(boat: Ferry, place: Account) -> None:
    """Then every record arrives, and the ledger verifies."""
    boat.put(100)
    said = command(boat, "apply", str(file(boat, to_bucket(place, "waf/one"))))
    ((key, text),) = below(place, "waf/one").items()
    assert f"pending: the token is in the file {place.bucket}/{key}" in said
    assert key.startswith("waf/one/ownership-challenge-")
    before = boat.row("to-bucket")
    calls.sweep(boat.call({}))
    with pytest.raises(Misconfigured, match="prove the ownership of its destination first"):
        command(boat, "resume", "to-bucket")
    assert boat.row("to-bucket") == before
    assert list(below(place, "waf/one")) == [key]
    assert f"{place.bucket}/{key}" in command(boat, "show", "to-bucket")
    assert command(boat, "verify", "to-bucket", f" {text.decode()}\r\n") == "to-bucket: ownership proved, online\n"
    assert delivered(boat) == Counts(read=100, delivered=100)
    objects = [body for name, body in below(place, "waf/one").items() if name != key]
    assert len({record["id"] for body in objects for record in records_of(body)}) == 100


def test_the_token_is_read_back_with_the_users_own_key(boat: Ferry, place: Account) -> None:
    """The writer's key may not read, which costs no attempt; the owner's may."""
    command(boat, "apply", str(file(boat, to_bucket(place, "waf/two"))))
    with pytest.raises(Misconfigured, match="AccessDenied"):
        command(boat, "verify", "to-bucket", "--auto")
    told = json.loads(command(boat, "show", "to-bucket", "--json"))
    assert (told["state"], told["proof"]["attempts_left"]) == ("pending", 10)
    assert command(boat, "verify", "to-bucket", "--auto", **place.owner) == "to-bucket: ownership proved, online\n"
    again = command(boat, "verify", "to-bucket", "--auto")
    assert again == "to-bucket: online already, there is nothing to prove\n"


def test_a_token_of_another_path_is_wrong_after_the_change(boat: Ferry, place: Account) -> None:
    """The task is on line, is sent elsewhere, and waits again; nothing goes to the new place until its own token."""
    command(boat, "apply", str(file(boat, to_bucket(place, "waf/three"))))
    (old,) = below(place, "waf/three").values()
    command(boat, "verify", "to-bucket", old.decode())
    boat.put(50)
    assert delivered(boat).delivered == 50
    moved = file(boat, to_bucket(place, "waf/four"))
    assert "its destination has to be proved first" in command(boat, "plan", str(moved))
    assert state(boat) == "online"
    assert "pending: the token is in the file" in command(boat, "apply", str(moved))
    with pytest.raises(Misconfigured, match="that is not the token, 9 attempt"):
        command(boat, "verify", "to-bucket", old.decode())
    boat.put(50)
    calls.sweep(boat.call({}))
    assert len(below(place, "waf/four")) == 1
    (new,) = below(place, "waf/four").values()
    command(boat, "verify", "to-bucket", new.decode())
    assert delivered(boat) == Counts(read=100, delivered=100)


def test_any_other_edit_keeps_it_on_line(boat: Ferry, place: Account) -> None:
    """The format is none of the place."""
    to = to_bucket(place, "waf/five")
    command(boat, "apply", str(file(boat, to)))
    command(boat, "verify", "to-bucket", "--auto", **place.owner)
    to["s3"]["compress"] = "none"
    assert command(boat, "apply", str(file(boat, to, max_lag="9m"))) == "to-bucket: version 2, changed\n"
    assert state(boat) == "online"


def test_a_place_that_refuses_the_file_leaves_the_task_pending(boat: Ferry, place: Account) -> None:
    """Told with the reason; mended, the same apply goes on. Exit code 2."""
    path = file(boat, to_bucket(place, "elsewhere"))
    result = CliRunner().invoke(cli.app(), ["task", "apply", str(path)], env=boat.environ)
    assert result.exit_code == 2
    assert "stored, but it stays pending: its token cannot be placed: " in result.stderr
    assert "AccessDenied" in result.stderr
    assert state(boat) == "pending"
    mended = CliRunner().invoke(cli.app(), ["task", "apply", str(path)], env={**boat.environ, **place.owner})
    assert "version 1, unchanged" in mended.stdout
    assert "pending: the token is in the file" in mended.stdout


def run(boat: Ferry, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own."""
    logferry = Path(sys.executable).with_name("logferry")
    return subprocess.run(
        [logferry, *words], env=boat.environ, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_wrong_token_is_one_line_and_exit_code_2(boat: Ferry, place: Account) -> None:
    """And one log line, without the token; no stack."""
    command(boat, "apply", str(file(boat, to_bucket(place, "waf/six"))))
    done = run(boat, "task", "verify", "to-bucket", "my-guess-0815")
    assert (done.returncode, done.stdout) == (2, "")
    line, said = done.stderr.splitlines()
    assert said == "to-bucket: that is not the token, 9 attempt(s) left"
    assert json.loads(line)["message"] == "ownership not proved"
    assert "my-guess-0815" not in done.stderr


def test_a_token_may_come_from_standard_input(boat: Ferry, place: Account) -> None:
    """So that it is in no shell's history."""
    command(boat, "apply", str(file(boat, to_bucket(place, "waf/ten"))))
    (token,) = below(place, "waf/ten").values()
    words = ["task", "verify", "to-bucket", "-"]
    result = CliRunner().invoke(cli.app(), words, env=boat.environ, input=token.decode())
    assert result.stdout == "to-bucket: ownership proved, online\n"


def test_verify_wants_a_token_or_auto(boat: Ferry) -> None:
    """Not both, not neither."""
    for words in (["verify", "x"], ["verify", "x", "token", "--auto"]):
        with pytest.raises(ConfigError, match="expected a token, or --auto"):
            command(boat, *words)


def test_a_put_of_the_file_goes_the_whole_way(boat: Ferry, place: Account) -> None:
    """Put into the folder, applied by the function in its own process, verified, delivered."""
    boat.put(30)
    tasks = boat.folder / "logferry-tasks"
    tasks.mkdir()
    boat.environ["LOGFERRY_TASKS"] = f"folder:{tasks}"
    file(boat, to_bucket(place, "waf/seven")).rename(tasks / "to-bucket.json")
    (tasks / "notes.txt").write_text("no task")
    (tasks / "broken.yaml").write_text("task: UPPER\n")
    words = ["triggers", "run", "--until-idle", "--from", "begin", "--endpoint", boat.address, "--json"]
    place_of_positions = ["--positions", str(boat.folder / "triggers.json"), "--var", "project=" + PROJECT]
    done = run(boat, *words, *place_of_positions)
    fired = {one["key"]: json.loads(one["reply"]) for one in map(json.loads, done.stdout.splitlines()) if one["key"]}
    assert fired["to-bucket.json"]["applied"]["to-bucket"]["state"] == "pending"
    assert "task: 'UPPER' is not a name of" in done.stderr
    assert list(fired["broken.yaml"]["errors"]) == ["broken.yaml"]
    assert set(fired) == {"to-bucket.json", "broken.yaml"}
    assert f"{place.bucket}/waf/seven/ownership-challenge-" in done.stderr
    (token,) = below(place, "waf/seven").values()
    command(boat, "verify", "to-bucket", token.decode())
    assert delivered(boat) == Counts(read=30, delivered=30)
    (tasks / "to-bucket.json").unlink()
    run(boat, *words, *place_of_positions)
    assert state(boat) == "online"


def test_a_test_record_carries_the_token_where_there_are_no_files(boat: Ferry) -> None:
    """Whoever can search the receiver finds it, marked as what it is; no log is sent before."""
    boat.environ["LOGFERRY_OWNERSHIP"] = "all"
    boat.put(20)
    boat.hec("to-hec")
    assert state(boat, "to-hec") == "pending"
    calls.sweep(boat.call({}))
    (event,) = [json.loads(line)["event"] for line in boat.sinks["to-hec"].read_text().splitlines()]
    assert (event["logferry_test"], event["task"]) == ("ownership", "to-hec")
    with pytest.raises(Misconfigured, match="cannot be read back: give the token"):
        command(boat, "verify", "to-hec", "--auto")
    command(boat, "verify", "to-hec", event["token"])
    assert delivered(boat, "to-hec") == Counts(read=20, delivered=20)


class Receiver(BaseHTTPRequestHandler):
    """Says back what it is told, once `parrots` is set."""

    parrots = False

    def do_POST(self) -> None:
        """Answer 200."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = body if self.parrots else b"thanks"
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_an_http_receiver_answers_with_the_nonce(boat: Ferry) -> None:
    """One that only says thanks proves nothing."""
    boat.environ["LOGFERRY_OWNERSHIP"] = "all"
    receiver = type("Mine", (Receiver,), {})
    server = HTTPServer(("127.0.0.1", 0), receiver)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        to = {"http_server": {"url": f"http://127.0.0.1:{server.server_port}/logs"}}
        assert "the receiver must answer with a nonce" in command(boat, "apply", str(file(boat, to, "to-http")))
        with pytest.raises(Misconfigured, match="the receiver did not answer with the nonce, 9 attempt"):
            command(boat, "verify", "to-http", "--auto")
        receiver.parrots = True  # type: ignore[attr-defined]  # made above
        assert command(boat, "verify", "to-http", "--auto") == "to-http: ownership proved, online\n"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_receiver_that_does_not_answer_may_pass(boat: Ferry) -> None:
    """Exit code 1 at the command line."""
    boat.environ["LOGFERRY_OWNERSHIP"] = "all"
    command(boat, "apply", str(file(boat, {"http_server": {"url": "http://127.0.0.1:1/logs"}}, "to-http")))
    with pytest.raises(Transient):
        command(boat, "verify", "to-http", "--auto")
    assert state(boat, "to-http") == "pending"


def test_a_deleted_task_leaves_no_proof_behind(boat: Ferry, place: Account) -> None:
    """Made again, it must be proved again."""
    path = file(boat, to_bucket(place, "waf/eight"))
    command(boat, "apply", str(path))
    command(boat, "verify", "to-bucket", "--auto", **place.owner)
    command(boat, "delete", "to-bucket", "--yes")
    assert list(wiring.workshop(boat.environ).table.list("ownership")) == []
    assert "pending" in command(boat, "apply", str(path))


def test_a_worker_says_that_its_task_waits_and_goes_on_by_itself(boat: Ferry, place: Account) -> None:
    """Nothing is delivered meanwhile; after the proof it need not be started again."""
    boat.put(10)
    path = file(boat, to_bucket(place, "waf/nine"))
    words = [str(Path(sys.executable).with_name("logferry")), "run", str(path), "--heartbeat", "1", "--interval", "0.1"]
    with subprocess.Popen(words, env=boat.environ, cwd=ROOT, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stderr is not None
        try:
            assert "to-bucket: pending: the token is in the file" in worker.stderr.readline()
            (token,) = below(place, "waf/nine").values()
            command(boat, "verify", "to-bucket", token.decode())
            until = time.monotonic() + 30
            while len(below(place, "waf/nine")) == 1 and time.monotonic() < until:
                time.sleep(0.2)
        finally:
            worker.terminate()
            worker.communicate(timeout=30)
    assert delivered(boat) == Counts(read=10, delivered=10)
    assert len(below(place, "waf/nine")) == 2
