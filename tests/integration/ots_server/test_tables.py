"""Tables, instances, signatures and restarts, by the vendor's SDK."""

import os
import signal
from pathlib import Path

import pytest
from tests.fakes.ots import Running, ots_server
from tests.fakes.ots_sdk import ONE, Client, Columns, Sdk, connect, create, put, read, refusal


def test_table_is_told_as_it_was_made(sdk: Sdk, client: Client) -> None:
    """DescribeTable and ListTable; a second table of the name is refused, and what is deleted is gone."""
    name = create(sdk, client, 86_400, 3, 1_000)
    told = client.describe_table(name)
    assert told.table_meta.schema_of_primary_key == [("p", "STRING"), ("n", "INTEGER")]
    options = told.table_options
    assert (options.time_to_live, options.max_version, options.max_time_deviation) == (86_400, 3, 1_000)
    assert name in client.list_table()
    meta, unit = sdk.TableMeta(name, [("p", "STRING")]), sdk.ReservedThroughput(sdk.CapacityUnit(0, 0))
    assert refusal(sdk, client.create_table, meta, sdk.TableOptions(), unit) == (409, "OTSObjectAlreadyExist")
    client.delete_table(name)
    assert name not in client.list_table()
    assert refusal(sdk, client.describe_table, name) == (404, "OTSObjectNotExist")
    assert refusal(sdk, client.get_row, name, ONE, max_version=1) == (404, "OTSObjectNotExist")


@pytest.mark.parametrize(
    ("columns", "options"),
    [([], (-1, 1)), ([("a", "STRING")] * 2, (-1, 1)), ([("a b", "STRING")], (-1, 1)), ([("a", "STRING")], (60, 1)),
     ([("a", "STRING")], (-1, 0)), ([(name, "STRING") for name in "abcde"], (-1, 1))],
)  # fmt: skip
def test_table_that_cannot_be_is_refused(sdk: Sdk, client: Client, columns: Columns, options: tuple[int, int]) -> None:
    """No key or too long a one, wrong names, a time to live below a day, no version."""
    meta, unit = sdk.TableMeta("wrong", columns), sdk.ReservedThroughput(sdk.CapacityUnit(0, 0))
    found = refusal(sdk, client.create_table, meta, sdk.TableOptions(*options), unit)
    assert found == (400, "OTSParameterInvalid")


def test_instances_are_apart(sdk: Sdk, table: str, server: Running) -> None:
    """A table of one instance is not in another."""
    other = connect(sdk, server, instance_name="other")
    assert refusal(sdk, other.describe_table, table) == (404, "OTSObjectNotExist")
    other.connection.pool.clear()


@pytest.mark.parametrize("region", [None, "cn-hangzhou"])
@pytest.mark.parametrize("changed", [{"access_key_secret": "other"}, {"access_key_id": "other"}, {"sts_token": "t"}])
def test_wrong_signature_is_refused(sdk: Sdk, server: Running, region: str | None, changed: dict[str, str]) -> None:
    """Either version: a wrong secret, an unknown key, a token that is not the key's; the right ones pass."""
    good, bad = connect(sdk, server, region=region), connect(sdk, server, region=region, **changed)
    good.list_table()
    assert refusal(sdk, bad.list_table) == (403, "OTSAuthFailed")
    for made in (good, bad):
        made.connection.pool.clear()


def test_tables_outlive_the_server(sdk: Sdk, tmp_path: Path) -> None:
    """With a file, what was answered is there after a kill."""
    options = ["--data", str(tmp_path / "deep/tables.db")]
    with ots_server(options) as running:
        first = connect(sdk, running)
        table = create(sdk, first)
        put(sdk, first, table, v="kept")
        first.connection.pool.clear()
        os.kill(running.pid, signal.SIGKILL)
    with ots_server(options) as running:
        second = connect(sdk, running)
        assert read(second, table) == [("v", "kept")]
        second.connection.pool.clear()


def test_what_is_not_served_says_so(sdk: Sdk, client: Client, table: str) -> None:
    """Search, SQL, transactions."""
    assert refusal(sdk, client.list_search_index, table) == (400, "OTSUnsupportOperation")
    assert refusal(sdk, client.start_local_transaction, table, [("p", "a")]) == (400, "OTSUnsupportOperation")
