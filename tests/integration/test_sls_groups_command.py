"""`logferry sls groups` and `logferry sls shards` as programs, against the embedded log store."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.fakes.sls import KEY_ID, SECRET, Caller, furnished, group

from logferry.errors import Misconfigured
from logferry.sls.client import Client
from logferry.sls.consumer_group import ConsumerGroup
from logferry.sls.credentials import EnvironKeys
from logferry.sls.endpoint import Endpoint
from logferry.sls.logstore import Logstore
from logferry_local.sls_server import cursors

COMMAND = [str(Path(sys.executable).with_name("logferry")), "sls"]
GROUPS = "/logstores/waf/consumergroups"


class Shop(NamedTuple):
    """A furnished store, a caller to it, and the commands with the store in their environment."""

    address: str
    caller: Caller

    def run(self, *words: str, answer: str = "") -> "subprocess.CompletedProcess[str]":
        """The finished command."""
        environ = {
            "SLS_AK_ID": KEY_ID, "SLS_AK_KEY": SECRET, "SLS_ENDPOINT": self.address, "SLS_PROJECT": "project-one",
            "SLS_LOGSTORE": "waf", "PATH": "",
        }  # fmt: skip
        return subprocess.run(
            [*COMMAND, *words], env=environ, input=answer, capture_output=True, text=True, timeout=60, check=False
        )

    def document(self, *words: str) -> Any:  # noqa: ANN401  # JSON of a command
        """What a command prints with --json."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def save(self, name: str, cursor: str, shard: int = 0, consumer: str = "c-1") -> None:
        """A checkpoint of a consumer that has the shard."""
        self.caller.call("POST", f"{GROUPS}/{name}", {"type": "heartbeat", "consumer": consumer}, [])
        params = {"type": "checkpoint", "consumer": consumer, "forceSuccess": "true"}
        reply = self.caller.call("POST", f"{GROUPS}/{name}", params, {"shard": shard, "checkpoint": cursor})
        assert reply.status == 200, reply.body


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """One shard with three log groups, and the consumer groups `g` and `idle`."""
    with furnished(tmp_path) as address:
        caller = Caller(address)
        caller.call("POST", GROUPS, document={"consumerGroup": "idle", "timeout": 60, "order": True})
        for text in "123":
            caller.put("waf", group(text))
        yield Shop(address, caller)
        caller.close()


def test_groups_are_listed(shop: Shop) -> None:
    """Each with time-out, order, how many shards it holds, and when it last saved a checkpoint."""
    shop.save("g", shop.caller.cursor("waf", 0, "begin"))
    active, idle = shop.document("groups", "list")["groups"]
    updated = active.pop("updated")
    assert active == {"name": "g", "timeout": 10, "order": False, "consumers": ["c-1"], "shards": 1}
    assert abs(time.mktime(time.strptime(updated, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone - time.time()) < 60
    assert idle == {"name": "idle", "timeout": 60, "order": True, "consumers": [], "shards": 0, "updated": ""}
    assert shop.run("groups", "list").stdout.splitlines()[1] == "idle\t60\tTrue\t0\t\t"


def test_group_is_shown_shard_by_shard(shop: Shop) -> None:
    """Lag is how long ago the oldest log came that is not consumed yet: 0 at the end, unknown without a checkpoint."""
    begin, end = shop.caller.cursor("waf", 0, "begin"), shop.caller.cursor("waf", 0, "end")
    [fresh] = shop.document("groups", "show", "g")["shards"]
    assert (fresh["checkpoint"], fresh["lag"], fresh["note"]) == ("", None, "no checkpoint yet")
    shop.save("g", begin)
    time.sleep(1.2)
    [behind] = shop.document("groups", "show", "g")["shards"]
    assert (behind["checkpoint"], behind["consumer"], behind["note"]) == (begin, "c-1", "")
    assert 1 <= behind["lag"] < 60
    assert behind["received"].startswith("20")
    shop.save("g", end)
    [done] = shop.document("groups", "show", "g")["shards"]
    assert (done["checkpoint"], done["lag"]) == (end, 0)
    assert shop.run("groups", "show", "g").stdout.startswith("0\t0\t20")


def test_checkpoint_that_is_too_old_is_told(shop: Shop) -> None:
    """A cursor before the oldest kept log: the lag is that of the oldest, and it says why."""
    shop.save("g", cursors.text(12))
    [row] = shop.document("groups", "show", "g")["shards"]
    assert row["note"] == "older than what is kept"
    assert row["lag"] >= 0


def test_group_is_deleted_after_a_yes(shop: Shop) -> None:
    """Asked without --yes; a no leaves it, --yes does not ask."""
    refused = shop.run("groups", "delete", "idle", answer="n\n")
    assert (refused.returncode, len(shop.document("groups", "list")["groups"])) == (1, 2)
    asked = shop.run("groups", "delete", "idle", answer="y\n")
    assert (asked.returncode, "delete the consumer group idle" in asked.stdout) == (0, True)
    done = shop.run("groups", "delete", "g", "--yes")
    assert (done.returncode, done.stdout) == (0, "g: deleted\n")
    assert shop.document("groups", "list") == {"groups": []}


@pytest.mark.parametrize("words", [("groups", "show"), ("groups", "delete", "--yes")], ids=["show", "delete"])
def test_unknown_group_is_answered_with_the_known_ones(shop: Shop, words: tuple[str, ...]) -> None:
    """Exit code 2."""
    done = shop.run(*words, "nobody")
    assert done.returncode == 2
    assert "'nobody' is not a consumer group of waf; known: g, idle" in done.stderr


def test_full_quota_says_what_to_do(shop: Shop) -> None:
    """The message of the 31st group names the commands that make room, and they do."""
    for at in range(28):
        shop.caller.call("POST", GROUPS, document={"consumerGroup": f"old-{at}", "timeout": 60})
    keys = EnvironKeys({"SLS_AK_ID": KEY_ID, "SLS_AK_KEY": SECRET})
    client = Client(endpoint=Endpoint.parse(shop.address), project="project-one", keys=keys)
    one_more = ConsumerGroup(Logstore(client, "waf"), "one-more")
    with pytest.raises(Misconfigured, match=r"at most 30 consumer groups: delete .* `logferry sls groups delete NAME`"):
        one_more.create()
    assert len(shop.document("groups", "list")["groups"]) == 30
    shop.run("groups", "delete", "old-3", "--yes")
    assert one_more.create()
    client.close()


def test_shards_are_listed_split_and_merged(shop: Shop) -> None:
    """A split answers the parent and the new ones, a merge the new one and its parents."""
    half = "8" + "0" * 31
    split = shop.document("shards", "split", "0", "--at", half)["shards"]
    assert [(one["shard"], one["status"], one["begin_key"][:1], one["end_key"][:1]) for one in split] == [
        (0, "readonly", "0", "f"), (1, "readwrite", "0", "8"), (2, "readwrite", "8", "f"),
    ]  # fmt: skip
    assert [one["shard"] for one in shop.document("shards", "split", "2", "--into", "3")["shards"]] == [2, 3, 4, 5]
    assert [one["shard"] for one in shop.document("shards", "merge", "1")["shards"]] == [6, 1, 3]
    listed = shop.run("shards", "list").stdout.splitlines()
    assert [line.split("\t")[:2] for line in listed if "readwrite" in line] == [
        ["4", "readwrite"], ["5", "readwrite"], ["6", "readwrite"],
    ]  # fmt: skip


def test_what_cannot_be_is_told_in_the_services_words(shop: Shop) -> None:
    """A shard that is not there, a last shard without neighbour, options that do not go together."""
    missing = shop.run("shards", "split", "7")
    assert (missing.returncode, "ParameterInvalid: invalid shard id: there is no shard 7" in missing.stderr) == (
        1,
        True,
    )
    last = shop.run("shards", "merge", "0")
    assert (last.returncode, "can not merge the last shard" in last.stderr) == (1, True)
    both = shop.run("shards", "split", "0", "--at", "8" + "0" * 31, "--into", "3")
    assert (both.returncode, "--into: a key parts in two" in both.stderr) == (2, True)


@pytest.mark.parametrize(
    "words", [("groups", "list"), ("shards", "list"), ("put", __file__)], ids=["groups", "shards", "put"]
)
def test_names_are_checked_before_anything_is_sent(shop: Shop, words: tuple[str, ...]) -> None:
    """Every mistake at once, with what was expected, and exit code 2."""
    done = shop.run(*words, "--project", "BAD", "--logstore", "a b", "--endpoint", "ftp://x")
    assert done.returncode == 2
    assert "project: 'BAD' is not a project name (3-63 of a-z, 0-9, -)" in done.stderr
    assert "logstore: 'a b' is not a logstore name" in done.stderr
    assert "endpoint: 'ftp' is not its scheme" in done.stderr
