"""The command line over a task that reads objects: triggers, ledger, status, seek, backfill, policy, a live check."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.landing import Landing, landing

from logferry import wiring
from logferry.errand_rows import Errands
from logferry_local import cli

ROOT = Path(__file__).parents[2]


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Landing]:
    """A folder that passes for a bucket; the command line's own environment."""
    with landing(tmp_path) as made:
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)
        yield made


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code, and what it said."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out + shown.err


def test_files_that_are_put_ring_for_forward(yard: Landing, tmp_path: Path) -> None:
    """By the deploy file's own trigger: each file once, a changed one again, what is no log of the task not at all."""
    yard.apply()
    command = [
        str(Path(sys.executable).with_name("logferry")), "triggers", "run", "--from", "begin", "--until-idle",
        "--in-process",
        "--folder", str(tmp_path / "landing"), "--var", "log_bucket=landing", "--endpoint", "http://127.0.0.1:1",
        "--positions", str(tmp_path / "triggers.json"), "--json",
    ]  # fmt: skip
    for number, text in enumerate(("a", "b", "b")):
        yard.store.put("logs/one.ndjson.gz", gzip.compress(b'{"id":"%s"}' % text.encode()))
        yard.store.put("other/two.ndjson", b'{"id":"x"}')
        found = subprocess.run(command, cwd=tmp_path, env=yard.environ, capture_output=True, timeout=60, check=False)
        fired = [json.loads(line) for line in found.stdout.decode().splitlines()]
        objects = {firing["key"]: json.loads(firing["reply"])["objects"] for firing in fired}
        assert objects["other/two.ndjson"]["passed_over"] == 1, found.stderr
        assert objects["logs/one.ndjson.gz"]["noted"] == 1
        assert sum(yard.received().values()) == number + 1


def test_the_ledger_is_counted_anew(yard: Landing, capsys: pytest.CaptureFixture[str]) -> None:
    """While the objects are there; a lost record is found; what is gone is told and not failed."""
    yard.apply()
    yard.forward(yard.numbered("logs/a.gz", 0, 100))
    yard.forward(yard.numbered("logs/b.gz", 100, 100))
    assert run(capsys, "ledger", "--verify")[0] == 0
    table = wiring.workshop(yard.environ).table
    item = table.get("ledger/t", "0")
    assert item is not None
    wrong = item.value.replace(b'"read":200', b'"read":199').replace(b'"delivered":200', b'"delivered":199')
    table.put("ledger/t", "0", wrong, expect=item.version)
    code, said = run(capsys, "ledger", "--verify")
    assert (code, "the ledger says read 199, the source 200" in said) == (1, True)
    yard.store.delete("logs/b.gz")
    code, said = run(capsys, "ledger", "--verify")
    assert (code, "no longer at the source, not recounted" in said) == (0, True)


def test_status_shows_what_is_due(yard: Landing, capsys: pytest.CaptureFixture[str]) -> None:
    """With its age, why, and exit code 1 where it is too old; nothing once it is delivered."""
    yard.apply()
    yard.forward(yard.numbered("logs/a.gz", 0, 100), seconds=0)
    code, said = run(capsys, "status", "--check", "--json")
    streams = {line["stream"]: line for line in json.loads(said.partition("\n")[0])["streams"]}
    assert streams["due"]["lag_over_max"] is True
    assert streams["due"]["last_error"] == "1 object(s) wait"
    assert code == 1
    yard.until_done()
    code, said = run(capsys, "status", "--check", "--json")
    assert [
        (line["stream"], line["delivered"], line["lag"]) for line in json.loads(said.partition("\n")[0])["streams"]
    ] == [("0", 100, 0.0)]
    assert code == 0


def test_what_cannot_be_asked_of_it_is_refused(yard: Landing, capsys: pytest.CaptureFixture[str]) -> None:
    """No order, so no seek and no window of time; the answer says what to do instead."""
    yard.apply()
    yard.forward(yard.numbered("logs/a.gz", 0, 10))
    code, said = run(capsys, "task", "seek", "t", "--to", "begin")
    assert code == 2
    assert "put again what is to be delivered again" in said
    code, said = run(capsys, "backfill", "t", "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-02T00:00:00Z", "--yes")
    assert code == 2
    assert "cannot be read again from a time on" in said


def test_a_live_check_asks_the_bucket(yard: Landing, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And `task policy` says what to grant."""
    yard.apply()
    yard.store.put("logs/a", b"{}")
    file = tmp_path / "task.yaml"
    sink = yard.sinks["t"].address
    for bucket in (yard.bucket, "s3:example-trail?region=eu-west-1", "oss:example-access?region=cn-hangzhou"):
        file.write_text(
            f"task: checked\nsource:\n  objects: {{bucket: '{bucket}', prefix: logs/}}\n"
            f"destination:\n  splunk_hec: {{url: '{sink}', token: 'secret://env/HEC_TOKEN'}}\n"
        )
        if bucket == yard.bucket:
            code, said = run(capsys, "task", "check", "--live", str(file))
            assert (code, "the bucket answers, it holds objects" in said) == (0, True), said
        assert run(capsys, "task", "apply", str(file))[0] == 0
        code, said = run(capsys, "task", "policy", "checked")
        assert code == 0
        if bucket.startswith("s3:"):
            assert "arn:aws:s3:::example-trail/logs/*" in said
            assert "s3:ListBucket" in said
        if bucket.startswith("oss:"):
            assert "acs:oss:*:*:example-access/logs/*" in said
        assert run(capsys, "task", "delete", "checked", "--yes")[0] == 0
    assert list(Errands(wiring.workshop(yard.environ).table, "checked").due()) == []
