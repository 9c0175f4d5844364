"""Every function, and each command that shows something, with marked secrets and failures of many kinds: no mark.

The far sides tell back all that they were told, headers included. Searched are standard output and error at level
debug, replies, tracebacks, the state table's file, and every object: dead letters, spilled batches, task files.
"""

import base64
import json
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.fakes.echoing import echoing
from tests.fakes.ferry import Ferry, ferry
from tests.fakes.receiving import signature

from logferry import calls, prove_calls, receive_calls, replay_calls, runtime, verify_calls, wiring
from logferry import task as tasks
from logferry.errors import DeliveryError
from logferry.runtime import Call
from logferry.vault import Secret
from logferry_local.cli import main

SECRETS = {
    "HEC_TOKEN": "mark3d-hec-0f1e2d3c", "HEADER": "mark3d-header-5b6a7988", "PARAM": "mark3d param/1&2",
    "OTHER_KEY": "mark3d/key+with/slashes==", "KAFKA_PASSWORD": "mark3d kafka p4ss", "SENDER_KEY": "mark3dsender12345",
    "PROXY": "http://mark3duser:mark3d-pr0xy@127.0.0.1:1", "PROXY_PASSWORD": "mark3d-pr0xy",
}  # fmt: skip
KEY_ID = "LogferryKeyId0"  # a name, no secret: messages may say which key was refused
STATUSES = (400, 401, 403, 500)
PATH = "/logs/esa"
NOW = 1_700_000_000


def destinations(address: Mapping[str, str]) -> dict[str, Mapping[str, object]]:
    """One of each kind that a far side on loopback can stand for."""
    bucket = {
        "bucket": "logs", "access_key_id": "secret://env/OTHER_KEY_ID", "secret_access_key": "secret://env/OTHER_KEY",
        "region": "cn-hangzhou",
    }  # fmt: skip
    key = {"access_key_id": "secret://env/OTHER_KEY_ID", "access_key_secret": "secret://env/OTHER_KEY"}
    sasl = {"mechanism": "PLAIN", "username": "mark", "password": "secret://env/KAFKA_PASSWORD"}
    broker = address["text"].removeprefix("http://")
    return {
        "splunk": {"splunk_hec": {"url": address["json"], "token": "secret://env/HEC_TOKEN"}},
        "proxied": {
            "splunk_hec": {
                "url": "http://splunk.example:8088", "token": "secret://env/HEC_TOKEN", "proxy": "secret://env/PROXY",
            }
        },
        "http": {
            "http_server": {
                "url": f"{address['text']}/in", "headers": {"X-Api-Key": "secret://env/HEADER"},
                "params": {"key": "secret://env/PARAM"}, "auth": {"private_key": "secret://env/SENDER_KEY"},
            }
        },
        "s3": {"s3": {**bucket, "endpoint": address["xml"]}},
        "compatible": {"s3_compatible": {**bucket, "endpoint": address["xml"], "addressing": "path"}},
        "oss": {"oss": {**bucket, "endpoint": address["xml"]}},
        "sls": {"sls": {"endpoint": address["json"], "project": "central-1", "logstore": "all", **key}},
        "kafka": {"kafka": {"brokers": [broker], "topic": "t", "auth": sasl, "timeout": "2s"}},
    }  # fmt: skip


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Ferry]:
    """Log store, table and folder; all secrets in the environment, the log as talkative as it gets."""
    settings = {
        **SECRETS, "OTHER_KEY_ID": KEY_ID, "LOGFERRY_LOG_LEVEL": "debug", "LOGFERRY_OWNERSHIP": "buckets",
        "LOGFERRY_TASKS": f"folder:{tmp_path}/tasks", "LOGFERRY_AUTH_KEYS": "secret://env/SENDER_KEY",
    }  # fmt: skip
    with ferry(tmp_path, settings=[*settings.items()]) as made:
        yield made


class Context:
    """Lambda's, with little time: what is tried again is tried once or twice."""

    aws_request_id = "r-1"

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """What is left of it."""
        return int((self._until - time.monotonic()) * 1000)


def called(function: Callable[[Call], object], event: object, environ: Mapping[str, str], *, web: bool = False) -> str:
    """What a call comes to: its reply, or the whole traceback, as platforms show it."""
    made = (runtime.web_entry if web else runtime.entry)(function, environ=environ)  # type: ignore[arg-type]  # one of ours
    try:
        return repr(made(event, Context(8.0)))
    except Exception as error:  # noqa: BLE001  # whatever it raises is what is looked at
        return "".join(traceback.format_exception(error))


def shown(words: list[str]) -> None:
    """A command, to whatever end."""
    with pytest.raises(SystemExit):
        main(words)


def forms(secret: str) -> Iterator[str]:
    """How a secret may look: as it is, quoted, in JSON, within base64 at each of the three offsets."""
    yield from {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]}
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + secret.encode()).decode().rstrip("=")
        yield whole[(offset * 8 + 5) // 6 : -1]


def assert_clean(place: str, text: str) -> None:
    """None of the marks is there."""
    found = [name for name, secret in SECRETS.items() for form in forms(secret) if form in text]
    assert not found, f"{place} holds {found}: {text[:2000]}"


def assert_nothing_leaked(boat: Ferry, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in what was said nor in what was kept."""
    printed = capsys.readouterr()
    assert_clean("replies and tracebacks", said)
    assert_clean("standard output", printed.out)
    assert_clean("standard error", printed.err)
    kept = [file for name in ("objects", "tasks") for file in (boat.folder / name).rglob("*") if file.is_file()]
    for file in [*boat.folder.glob("state.db*"), *kept]:
        assert_clean(str(file.name), file.read_bytes().decode("latin-1"))


@pytest.mark.parametrize("status", STATUSES)
def test_functions_and_commands_keep_secrets(
    status: int, boat: Ferry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of destination fails with this status and repeats the request; then everything is looked at."""
    with ExitStack() as stack:
        far = {form: stack.enter_context(echoing(form, status)) for form in ("json", "xml", "text")}
        for task, destination in destinations(far).items():
            with suppress(DeliveryError):  # no token can be placed in a bucket that answers so
                boat.apply(task, destination)
            wiring.workshop(boat.environ).tasks.set_state(task, "online")
        boat.put(3)
        said = called(calls.sweep, {}, boat.environ)
        said += called(replay_calls.replay, {"again": True}, boat.environ)
        wiring.dismiss()
        for name, value in boat.environ.items():
            monkeypatch.setenv(name, value)
        shown(["task", "list"])
        shown(["status", "--json"])
        shown(["ledger", "--json"])
        shown(["dead", "list", "--each", "--json"])
        shown(["dead", "list", "--each"])
        for task in destinations(far):
            shown(["task", "show", task, "--json"])
            shown(["task", "show", task])
    assert said.count("held") + said.count("unfinished") > 1
    assert_nothing_leaked(boat, said, capsys)


def test_live_checks_and_applied_files_keep_secrets(
    boat: Ferry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`task check --live`, `plan`, `apply`, and a put of the file: the far sides refuse and repeat."""
    said = ""
    with ExitStack() as stack:
        far = {form: stack.enter_context(echoing(form, 403)) for form in ("json", "xml", "text")}
        for name, value in boat.environ.items():
            monkeypatch.setenv(name, value)
        source = {"endpoint": boat.address, "project": "waf-project", "logstore": "waf-logstore"}
        (boat.folder / "tasks").mkdir()
        for task, destination in destinations(far).items():
            file = boat.folder / f"tasks/{task}.yaml"
            file.write_text(json.dumps({"task": task, "source": {"sls": source}, "destination": destination}))
            shown(["task", "check", "--live", str(file)])
            shown(["task", "plan", str(file)])
            event = {"events": [{"eventName": "ObjectCreated:PutObject", "eventSource": "acs:oss", "oss": {
                "bucket": {"name": "tasks"}, "object": {"key": f"{task}.yaml"}}}]}  # fmt: skip
            said += called(prove_calls.prove, event, boat.environ)
            shown(["task", "apply", str(file)])
    assert_nothing_leaked(boat, said, capsys)


def test_a_source_that_refuses_the_key_keeps_secrets(boat: Ferry, capsys: pytest.CaptureFixture[str]) -> None:
    """The log service's refusal tells the request back; so does one that is no log service."""
    said = ""
    for status in (401, 403, 404, 500):
        with echoing("json", status) as address:
            wrong = {**boat.environ, "SLS_AK_ID": KEY_ID, "SLS_AK_KEY": SECRETS["OTHER_KEY"]}
            boat.hec(f"t{status}")
            said += called(calls.sweep, {}, wrong)
            source = {"endpoint": address, "projectName": "p-1", "logstoreName": "ll", "shardId": 0,
                      "beginCursor": "b", "endCursor": "e"}  # fmt: skip
            said += called(calls.forward, {"source": source}, wrong)
    wiring.dismiss()
    assert_nothing_leaked(boat, said, capsys)


def test_receivers_keep_the_senders_keys(boat: Ferry, capsys: pytest.CaptureFixture[str]) -> None:
    """Good, wrong and late signatures, a destination that repeats its request, broken bodies."""
    said = ""
    with echoing("json", 500) as address:
        hec = {"url": address, "token": "secret://env/HEC_TOKEN"}
        task = {
            "task": "received", "destination": {"splunk_hec": hec},
            "source": {"received": {"path": PATH, "keys": ["secret://env/SENDER_KEY"]}},
        }  # fmt: skip
        wiring.workshop(boat.environ).tasks.apply(tasks.load(task))
        key = Secret(SECRETS["SENDER_KEY"])
        queries = [signature(PATH, key), signature(PATH, Secret("another")), signature(PATH, key, now=NOW), ""]
        for query in queries:
            for body in ('{"a": 1}', "not json"):
                event = {
                    "version": "2.0", "rawPath": PATH, "rawQueryString": query, "headers": {}, "body": body,
                    "requestContext": {"http": {"method": "POST", "path": PATH}}, "isBase64Encoded": False,
                }  # fmt: skip
                said += called(receive_calls.receive, event, boat.environ, web=True)
                said += called(verify_calls.verify_request, event, boat.environ, web=True)
    wiring.dismiss()
    assert_nothing_leaked(boat, said, capsys)


def test_a_broken_environment_keeps_secrets(boat: Ferry, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings that are nonsense, a table and a store that cannot be had: each tells its name and no other's value."""
    said = ""
    for name, value in (
        ("LOGFERRY_STATE", f"sqlite:{boat.folder}"), ("LOGFERRY_OBJECTS", "nonsense:x"), ("LOGFERRY_SAVE_SECONDS", "x"),
        ("LOGFERRY_PRIVATE_ADDRESSES", "x"), ("LOGFERRY_LOG_LEVEL", "x"), ("LOGFERRY_STATE", "sqlite:/dev/null/x"),
    ):  # fmt: skip
        broken = {**boat.environ, name: value}
        for function in (calls.sweep, calls.forward, replay_calls.replay, prove_calls.prove):
            said += called(function, {}, broken)
    wiring.dismiss()
    assert_nothing_leaked(boat, said, capsys)


def test_the_search_finds_what_it_looks_for() -> None:
    """Each form of each secret is recognised, so that silence means something."""
    for secret in SECRETS.values():
        for before in ("", "a", "ab"):
            hidden = base64.b64encode(f"{before}{secret}".encode()).decode()
            with pytest.raises(AssertionError, match="holds"):
                assert_clean("a text", f"Basic {hidden}")
        with pytest.raises(AssertionError, match="holds"):
            assert_clean("a text", f"x={quote(secret, safe='')}&")
