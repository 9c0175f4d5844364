"""The function `prove_ownership`: both clouds' events, files with mistakes, what may pass, what must not be read."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.fakes.aws import ENVIRON, aws_server
from tests.functions.place import Delivery, delivering

from logferry import objects, prove_calls, wiring
from logferry.errors import ConfigError, SourceError
from logferry.runtime import Call

ROOT = Path(__file__).parents[2]
EVENTS = sorted(path.name for path in (ROOT / "events/prove_ownership").iterdir())


@pytest.fixture
def delivery(tmp_path: Path) -> Iterator[Delivery]:
    """A log store, a receiver, and a folder for task files."""
    with delivering(tmp_path) as made:
        (tmp_path / "logferry-tasks").mkdir()
        made.environ["LOGFERRY_TASKS"] = f"folder:{tmp_path}/logferry-tasks"
        yield made
        wiring.dismiss()


def text(delivery: Delivery, name: str = "from-a-put", **more: object) -> str:
    """A task file."""
    source = {"endpoint": delivery.place.address, "project": "waf-demo", "logstore": "waf-logstore"}
    to = {"splunk_hec": {"url": delivery.sink.address, "token": "secret://env/SPLUNK_TOKEN"}}
    return json.dumps({"task": name, "source": {"sls": source}, "destination": to, **more})


def put(tmp_path: Path, content: str, key: str = "waf-to-s3.yaml") -> None:
    """Into the folder that passes for the bucket."""
    (tmp_path / "logferry-tasks" / key).write_text(content)


def records(*keys: str, bucket: str = "logferry-tasks", name: str = "ObjectCreated:Put", size: int = 9) -> Any:  # noqa: ANN401  # JSON
    """An event of S3."""
    return {
        "Records": [
            {"eventName": name, "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": size}}}
            for key in keys
        ]
    }


def prove(delivery: Delivery, event: object) -> dict[str, Any]:
    """One call."""
    return prove_calls.prove(Call(event, "r-1", delivery.environ, lambda: 60.0))


def names(delivery: Delivery) -> list[str]:
    """Tasks that are there, beside the delivery's own."""
    return [name for name in wiring.workshop(delivery.environ).tasks.names() if name != "waf-to-splunk"]


@pytest.mark.parametrize("name", EVENTS)
def test_sample_events_work_as_their_cloud_hands_them_over(delivery: Delivery, tmp_path: Path, name: str) -> None:
    """Each sample by `logferry invoke`: creations apply the task, a delete and a test message do nothing."""
    put(tmp_path, text(delivery))
    logferry = Path(sys.executable).with_name("logferry")
    command = [str(logferry), "invoke", "prove_ownership", "--event", f"events/prove_ownership/{name}", "--json"]
    done = subprocess.run(
        command, env=delivery.environ, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    reply = json.loads(done.stdout)["reply"]
    applied = (json.loads(reply) if isinstance(reply, str) else reply)["applied"]
    is_put = "created" in name or "multipart" in name
    assert applied == ({"from-a-put": {"version": 1, "changed": True, "state": "online"}} if is_put else {})
    assert names(delivery) == (["from-a-put"] if is_put else [])


def test_the_same_event_twice_is_once_and_a_newer_file_is_the_next_version(delivery: Delivery, tmp_path: Path) -> None:
    """It is what `task apply` does."""
    put(tmp_path, text(delivery))
    assert prove(delivery, records("waf-to-s3.yaml"))["applied"]["from-a-put"]["changed"]
    again = prove(delivery, records("waf-to-s3.yaml", "waf-to-s3.yaml"))["applied"]["from-a-put"]
    assert again == {"version": 1, "changed": False, "state": "online"}
    put(tmp_path, text(delivery, max_lag="9m"))
    assert prove(delivery, records("waf-to-s3.yaml"))["applied"]["from-a-put"]["version"] == 2


def test_a_delete_deletes_no_task(delivery: Delivery, tmp_path: Path) -> None:
    """Neither the event of it, nor a late event of a file that is gone."""
    put(tmp_path, text(delivery))
    prove(delivery, records("waf-to-s3.yaml"))
    (tmp_path / "logferry-tasks/waf-to-s3.yaml").unlink()
    assert prove(delivery, records("waf-to-s3.yaml", name="ObjectRemoved:Delete")) == {
        "applied": {}, "ignored": [], "errors": {}
    }  # fmt: skip
    assert prove(delivery, records("waf-to-s3.yaml"))["ignored"] == ["waf-to-s3.yaml"]
    assert names(delivery) == ["from-a-put"]


def test_mistakes_are_told_and_stop_no_other_file(
    delivery: Delivery, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Every one of them in the log at level error, no secret among them; the call itself is a success."""
    bad = json.loads(text(delivery, "bad", sampling="0%", max_lag="hunter2"))
    bad["destination"]["splunk_hec"]["token"] = "literal-secret"
    put(tmp_path, json.dumps(bad), "bad.json")
    put(tmp_path, text(delivery), "good.yml")
    found = prove(delivery, records("bad.json", "good.yml"))
    assert (list(found["errors"]), list(found["applied"])) == (["bad.json"], ["from-a-put"])
    (line,) = [vars(record) for record in caplog.records if record.levelno == logging.ERROR]
    assert (line["message"], line["file"], len(line["problems"])) == ("task file not applied", "bad.json", 3)
    assert "literal-secret" not in str(line) + str(found)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (records("waf-to-s3.yaml", bucket="somebody-elses"), "is not 'logferry-tasks', where task files are"),
        (records("..%2Fsecret.yaml"), "is not relative, or has an empty part"),
        (records("%2e%2e/secret.yaml"), "is not relative, or has an empty part"),
        (records("waf-to-s3.yaml", size=2_000_000), "2000000 bytes, at most 1048576 are accepted"),
    ],
)
def test_tricks_are_refused_and_logged(
    delivery: Delivery, tmp_path: Path, event: object, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A foreign bucket, a path that climbs, a giant: nothing is read, nothing is stored."""
    put(tmp_path, text(delivery))
    (tmp_path / "secret.yaml").write_text(text(delivery, "stolen"))
    found = prove(delivery, event)
    assert found["applied"] == {}
    assert said in str(found["errors"])
    assert names(delivery) == []
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_what_may_pass_raises_after_the_other_files(
    delivery: Delivery, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """So the platform calls again, for all of them: what was applied is applied once more, which changes nothing."""
    lost = json.loads(text(delivery, "lost"))
    lost["source"]["sls"]["endpoint"] = "http://127.0.0.1:1"
    put(tmp_path, json.dumps(lost), "a.yaml")
    put(tmp_path, text(delivery), "b.yaml")
    with pytest.raises(SourceError) as error:
        prove(delivery, records("a.yaml", "b.yaml"))
    assert error.value.transient
    assert names(delivery) == ["from-a-put"]
    assert [record.levelname for record in caplog.records if record.message == "task file not applied"] == ["WARNING"]


def test_a_pending_task_is_told_with_its_file(
    delivery: Delivery, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At level warning: somebody has to read the token; the token is not in the line."""
    delivery.environ["LOGFERRY_OWNERSHIP"] = "all"
    put(tmp_path, text(delivery))
    assert prove(delivery, records("waf-to-s3.yaml"))["applied"]["from-a-put"]["state"] == "pending"
    (line,) = [vars(record) for record in caplog.records]
    assert (line["message"], line["levelname"], line["way"]) == (
        "task waits for the proof of its destination", "WARNING", "record",
    )  # fmt: skip
    received = json.loads((tmp_path / "received.jsonl").read_text().splitlines()[-1])["event"]
    assert received["logferry_test"] == "ownership"
    assert received["token"] not in str(line)


def test_more_tasks_than_allowed_are_refused(delivery: Delivery, tmp_path: Path) -> None:
    """A change of one that is there is not."""
    delivery.environ["LOGFERRY_MAX_TASKS"] = "2"
    put(tmp_path, text(delivery), "one.yaml")
    put(tmp_path, text(delivery, "another"), "two.yaml")
    found = prove(delivery, records("one.yaml", "two.yaml"))
    assert "there are 2 tasks, LOGFERRY_MAX_TASKS allows 2" in found["errors"]["two.yaml"]
    put(tmp_path, text(delivery, max_lag="8m"), "one.yaml")
    assert prove(delivery, records("one.yaml"))["applied"]["from-a-put"]["version"] == 2


@pytest.mark.parametrize("limit", ["many", "-1", "1e3", "²"])
def test_a_limit_that_is_none_is_told(delivery: Delivery, tmp_path: Path, limit: str) -> None:
    """By its name and value."""
    delivery.environ["LOGFERRY_MAX_TASKS"] = limit
    put(tmp_path, text(delivery))
    said = str(prove(delivery, records("waf-to-s3.yaml"))["errors"])
    assert "LOGFERRY_MAX_TASKS: " in said
    assert "is not a number of tasks" in said


def test_what_is_no_event_of_a_bucket_raises(delivery: Delivery) -> None:
    """Such as a timer's."""
    with pytest.raises(ConfigError, match="has neither Records"):
        prove(delivery, {"triggerName": "sweep"})


class Changing:
    """A store whose file becomes another one once it was read."""

    def __init__(self, *contents: str) -> None:
        self.contents = [content.encode() for content in contents]

    def get(self, key: str) -> bytes | None:
        """The next one; the last one stays."""
        del key
        return self.contents.pop(0) if len(self.contents) > 1 else self.contents[0]


def test_an_old_event_does_not_undo_a_newer_file(delivery: Delivery) -> None:
    """The file changed between reading and storing: it is read again, so the newest is what stays."""
    from logferry.put_events import Put
    from logferry.sources import Surroundings
    from logferry.task_files import TaskFiles
    from logferry.vault import Vault

    store = Changing(text(delivery, max_lag="1m"), text(delivery, max_lag="2m"))
    files = TaskFiles("logferry-tasks", "", store)  # type: ignore[arg-type]  # only read
    shop = wiring.workshop(delivery.environ)
    around = Surroundings(delivery.environ, Vault(delivery.environ))
    done = prove_calls.apply_put(Put("logferry-tasks", ("a.yaml",), 9), files, shop.table, around)
    assert done is not None
    assert (done.version, shop.tasks.get("from-a-put").task().max_lag) == (2, "2m")


@pytest.mark.parametrize("kind", ["s3", "oss"])
def test_the_bucket_may_be_a_real_one(delivery: Delivery, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Read with that cloud's own names for a function's key."""
    with aws_server() as server, monkeypatch.context() as environ:
        requests.put(f"{server}/logferry-tasks", timeout=10).raise_for_status()
        alibaba = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIexample", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "invented"}
        for name, value in (ENVIRON if kind == "s3" else {**alibaba, "AWS_EC2_METADATA_DISABLED": "true"}).items():
            environ.setenv(name, value)
        url = f"{kind}:logferry-tasks?region=eu-west-1&endpoint={server}&style=path"
        delivery.environ["LOGFERRY_TASKS"] = url
        objects.open_store(url).put("waf-to-s3.yaml", text(delivery).encode())
        name = "object_created.aws.json" if kind == "s3" else "object_created.fc.json"
        found = prove(delivery, json.loads((ROOT / "events/prove_ownership" / name).read_text()))
    assert found["applied"]["from-a-put"]["version"] == 1
