"""The sls source and the client's operations against the embedded log store, over real HTTP."""

import base64
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from logferry import config
from logferry.errors import Expired, Misconfigured, Missing, SourceError
from logferry.plan import Plan, Tally
from logferry.sls import projects
from logferry.sls.consumer_group import Checkpoint, ConsumerGroup, GroupInfo
from logferry.sls.logstore import Logstore
from logferry.sls.refusals import Declined
from logferry.sls.write import encode_log_group
from logferry.sources import Surroundings
from logferry.sources.sls import Config, SlsSource, build
from logferry.vault import Secret, Vault
from logferry_local.sls_server import serving

SECRET = "invented-secret"


class Place(NamedTuple):
    """A running log store with a project and a logstore of two shards."""

    address: str

    def source(self, secret: str = SECRET, **options: str | int) -> SlsSource:
        """A source of that logstore."""
        named = {"endpoint": self.address, "project": "proj-1", "logstore": "waf", **options}
        environ = {"SLS_AK_ID": "id-1", "SLS_AK_KEY": secret}
        return build(config.load(Config, named), Surroundings(environ, Vault(environ)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One store for all tests here; each uses its own shard, logstore or project."""
    with serving(tmp_path_factory.mktemp("sls"), {"id-1": Secret(SECRET)}) as address:
        made = Place(address)
        client = made.source().logstore.client
        assert projects.create_project(client)
        assert projects.create_logstore(client, "waf", shards=2)
        yield made
        client.close()


def fresh(place: Place, name: str) -> SlsSource:
    """A logstore of one shard, made now."""
    source = place.source(logstore=name)
    projects.create_logstore(source.logstore.client, name, shards=1, days=7)
    return source


def put(logstore: Logstore, *texts: str, **tags: str) -> None:
    """One log group."""
    now = int(time.time())
    logstore.put_logs(encode_log_group([(now, 5, {"text": text}) for text in texts], topic="t", tags=tags))


def texts(source: SlsSource, begin: str, end: str) -> list[str]:
    """The `text` of all records of a range."""
    plan = Plan(fields=("text",))
    return [
        str(record.fields["text"]) for batch in source.read("0", begin, end) for record in batch.select(plan, Tally())
    ]


@pytest.mark.parametrize("options", [{}, {"auth": "v4", "region": "cn-x"}, {"compression": "zstd"}, {"max_groups": 2}])
def test_what_was_put_is_read_in_order(place: Place, options: dict[str, Any]) -> None:
    """Both signatures, both compressions, many small pulls: every record comes once, in order, whole."""
    name = f"round-{len(options)}-{'-'.join(map(str, options.values()))}".rstrip("-")
    fresh(place, name)
    source = place.source(logstore=name, **options)
    begin = source.position("0", "begin")
    for number in range(5):
        put(source.logstore, f"{number}-a é", f"{number}-b", k="v")
    batches = list(source.read("0", begin, source.position("0", "end")))
    assert [batch.begin for batch in batches[1:]] == [batch.end for batch in batches[:-1]]
    assert (batches[0].begin, batches[-1].end) == (begin, source.position("0", "end"))
    records = [record for batch in batches for record in batch.select(Plan(), Tally())]
    assert [record.fields["text"] for record in records] == [t for n in range(5) for t in (f"{n}-a é", f"{n}-b")]
    assert records[0].fields == {"__topic__": "t", "__source__": "", "__tag__:k": "v", "text": "0-a é"}
    assert records[0].nanos == 5


def test_ranges_read_apart_are_the_whole(place: Place) -> None:
    """Half-open ranges that meet give every record once."""
    source = fresh(place, "halves")
    begin = source.position("0", "begin")
    put(source.logstore, "1")
    middle = source.position("0", "end")
    put(source.logstore, "2")
    end = source.position("0", "end")
    assert (texts(source, begin, middle), texts(source, middle, end)) == (["1"], ["2"])
    assert source.order(begin) < source.order(middle) < source.order(end)


def test_empty_range_gives_nothing(place: Place) -> None:
    """A range without logs, and one whose end lies ahead of the shard, give no records and come to an end."""
    source = fresh(place, "empty")
    begin = source.position("0", "begin")
    ahead = base64.b64encode(str(source.order(begin) + 10).encode()).decode()
    assert (texts(source, begin, begin), texts(source, begin, ahead)) == ([], [])


def test_end_ahead_of_the_shard_reads_what_is_there(place: Place) -> None:
    """What there is comes; the batches do not claim to have reached the end."""
    source = fresh(place, "ahead")
    begin = source.position("0", "begin")
    put(source.logstore, "1")
    ahead = base64.b64encode(str(source.order(begin) + 10).encode()).decode()
    batches = list(source.read("0", begin, ahead))
    assert [batch.count for batch in batches] == [1]
    assert batches[-1].end == source.position("0", "end")


def test_streams_are_the_shards(place: Place) -> None:
    """Both shards are listed as open, born when the logstore was made."""
    streams = place.source().streams()
    assert [(stream.name, stream.open, stream.parents) for stream in streams] == [("0", True, ()), ("1", True, ())]
    assert all(abs(stream.born - time.time()) < 600 for stream in streams)


def test_times_become_positions_and_back(place: Place) -> None:
    """A receive time finds its position, a position its receive time; the end is now."""
    source = fresh(place, "times")
    put(source.logstore, "1")
    now = time.time()
    begin, end = source.position("0", "begin"), source.position("0", "end")
    assert source.position("0", int(now) - 60) == begin
    assert source.position("0", int(now) + 60) == end
    assert abs(source.time_of("0", begin) - now) < 60
    assert abs(source.time_of("0", end) - now) < 60


def test_retention_is_known(place: Place) -> None:
    """The logstore's ttl is its retention."""
    assert fresh(place, "retention").retention() == 7 * 86_400


def test_foreign_cursor_is_expired(place: Place) -> None:
    """A position before the shard's beginning is Expired, so that it becomes a gap."""
    with pytest.raises(Expired):
        texts(fresh(place, "expired"), "MQ==", "Mg==")


@pytest.mark.parametrize(
    ("options", "stream"),
    [({"project": "no-such-project"}, "0"), ({"logstore": "nowhere"}, "0"), ({}, "99")],
    ids=["project", "logstore", "shard"],
)
def test_what_is_not_there_is_missing(place: Place, options: dict[str, Any], stream: str) -> None:
    """Project, logstore and shard that do not exist are Missing."""
    with pytest.raises(Missing):
        place.source(**options).position(stream, "begin")


@pytest.mark.parametrize("options", [{}, {"auth": "v4", "region": "cn-x"}])
def test_wrong_secret_is_misconfigured(place: Place, options: dict[str, Any]) -> None:
    """A wrong signature says what to check, and not the secret."""
    source = place.source("wrong-secret", **options)
    with pytest.raises(Misconfigured, match=r"SignatureNotMatch.*check access_key_secret") as caught:
        source.streams()
    assert "wrong-secret" not in str(caught.value)


def test_projects_and_logstores_are_made_once(place: Place) -> None:
    """Creating says whether it was new; listings and deletions agree."""
    client = place.source(project="proj-2").logstore.client
    assert (projects.create_project(client), projects.create_project(client)) == (True, False)
    assert projects.get_project(client)["projectName"] == "proj-2"
    assert {"proj-1", "proj-2"} <= set(projects.list_projects(client))
    assert [projects.create_logstore(client, name) for name in ("one", "two", "one")] == [True, True, False]
    assert sorted(projects.list_logstores(client)) == ["one", "two"]
    logstore = Logstore(client, "one")
    assert projects.create_index(logstore, {"line": {"token": [" "]}})
    assert projects.get_index(logstore)["line"]["token"] == [" "]
    projects.delete_index(logstore)
    with pytest.raises(SourceError):
        projects.get_index(logstore)
    projects.delete_logstore(client, "one")
    with pytest.raises(Missing):
        projects.get_logstore(client, "one")
    projects.delete_project(client)
    with pytest.raises(Missing):
        projects.get_project(client)


def test_consumer_group_lives(place: Place) -> None:
    """Create, list, update, heartbeat, checkpoints, delete."""
    source = fresh(place, "groups")
    group = ConsumerGroup(source.logstore, "g-1")
    assert (group.create(30), group.create(30)) == (True, False)
    group.update(timeout=40, order=True)
    assert group.listed() == [GroupInfo("g-1", 40, order=True)]
    assert group.heartbeat("c-1", []) == ["0"]
    assert [one.cursor for one in group.checkpoints("0")] == [""]
    cursor = source.position("0", "begin")
    group.save("0", cursor, "c-1")
    group.save("0", cursor)
    [saved] = group.checkpoints()
    assert saved == Checkpoint("0", cursor, saved.updated, saved.consumer)
    with pytest.raises(Declined):
        group.save("0", "no cursor")
    group.delete()
    assert group.listed() == []
