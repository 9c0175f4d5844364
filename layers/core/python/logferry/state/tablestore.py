"""`tablestore:INSTANCE/TABLE?region=…&endpoint=…`: a table of Alibaba Cloud that hosts and functions share.

Primary key `partition` and `sort` (strings); columns `value` (binary), `version` (string), `expires` (integer, Unix
seconds; a huge number for never, so that one condition serves all rows). Readers judge the expiry. Tablestore has no
time to live by row, so writes that set an expiry now and then look at 100 rows and remove what is long gone.
Reads are strongly consistent, a page holds 4 MB. A call takes at most 3 attempts of 3 s to connect and 5 s of silence.
The key is the one that Function Compute gives a function. Needs ots:GetRow, PutRow, DeleteRow, GetRange.
"""

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from logferry.errors import Misconfigured, StateError
from logferry.state import Item
from logferry.state._ots_client import Key, Keys, OtsClient, Refusal
from logferry.state._ots_rows import NEVER, Kept, absent, at, exactly, kept, key_of, spot_of
from logferry.state._rows import check_key, check_value, conflict, new_version, whole
from logferry.vault import Secret

__all__ = ["FORM", "OPTIONS", "OtsTable", "create_table", "open_table"]

OPTIONS = ("region", "endpoint")
FORM = "tablestore:INSTANCE/TABLE?region=…&endpoint=…"

_KEY = ("partition", "sort")
_ROUNDS = 3  # times that a row may come and go while one write makes it
_LOST = "OTSConditionCheckFail"
_LOADING = ("OTSTableNotReady", "OTSPartitionUnavailable", "OTSObjectNotExist")
_GRACE = 3600  # seconds that an expired row stays, should the clock have been wrong
_EVERY, _LOOK, _REMOVED = 10, 100, 20  # one write in ten looks at 100 rows and removes 20 at most: more than it adds


class OtsTable:
    """Rows in one table of Tablestore."""

    def __init__(self, ots: OtsClient, clock: Callable[[], float], chance: Callable[[], float] = random.random) -> None:
        self._ots = ots
        self._table = ots.spot.table
        self._clock = clock
        self._chance = chance

    def get(self, partition: str, sort: str) -> Item | None:
        """The row, None if there is none or it has expired."""
        check_key(partition, sort)
        found = self._read(partition, sort)
        return self._live(found) if found else None

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        """Write if the row is at `expect`; the new version."""
        check_key(partition, sort)
        check_value(value)
        until, version = whole(expires), new_version()
        columns = [("value", bytearray(value)), ("version", version), ("expires", NEVER if until is None else until)]
        row = self._ots.sdk.Row(key_of(partition, sort), columns)
        if not self._placed(row, (partition, sort), expect, version):
            raise conflict(partition, sort, version)
        if until is not None and self._chance() * _EVERY < 1:
            with suppress(StateError, Misconfigured):  # tidying is not worth a failure
                self._tidy(partition, sort)
        return version

    def delete(self, partition: str, sort: str, *, expect: str) -> None:
        """Delete if the row is at `expect`."""
        check_key(partition, sort)
        if not self._deleted(partition, sort, at(self._ots.sdk, expect, self._clock())):
            raise conflict(partition, sort, "")

    def list(self, partition: str) -> Iterator[Item]:
        """All rows of one partition in order, one range a page."""
        check_key(partition)
        return self._pages(partition)

    def close(self) -> None:
        """Close the connections; a later use opens new ones."""
        with suppress(Exception):
            self._ots.close()

    def _placed(self, row: Any, key: tuple[str, str], expect: str | None, version: str) -> bool:  # noqa: ANN401  # the SDK's
        """Whether the row was written. There is no `absent or expired` in one condition, so that takes a look."""
        sdk = self._ots.sdk
        condition = absent(sdk) if expect is None else at(sdk, expect, self._clock())
        for _ in range(_ROUNDS):
            try:
                self._ots.call("put_row", self._table, row, condition, judged=(_LOST,))
            except Refusal as refusal:
                if expect is not None and not refusal.doubted:
                    return False
            else:
                return True
            found = self._read(*key)
            if found and found.version == version:
                return True  # an attempt passed whose answer was lost
            if expect is not None or (found and self._live(found)):
                return False
            condition = exactly(sdk, found.version) if found else absent(sdk)
        return False

    def _deleted(self, partition: str, sort: str, condition: Any) -> bool:  # noqa: ANN401  # the SDK's
        row = self._ots.sdk.Row(key_of(partition, sort))
        try:
            self._ots.call("delete_row", self._table, row, condition, judged=(_LOST,))
        except Refusal:
            return False
        return True

    def _read(self, partition: str, sort: str) -> Kept | None:
        _, row, _ = self._ots.call("get_row", self._table, key_of(partition, sort), None, None, 1)
        return kept(row) if row is not None else None

    def _pages(self, partition: str) -> Iterator[Item]:
        sdk = self._ots.sdk
        start, end = key_of(partition, sdk.INF_MIN), key_of(partition, sdk.INF_MAX)
        while start:
            _, start, rows, _ = self._ots.call("get_range", self._table, "FORWARD", start, end, None, None, None, 1)
            items = map(self._live, map(kept, rows))
            yield from (item for item in items if item is not None)

    def _live(self, row: Kept) -> Item | None:
        return None if row.expires <= self._clock() else Item(row.sort, row.value, row.version)

    def _tidy(self, partition: str, sort: str) -> None:
        """Remove rows that are long gone: the first ones (keys in order of time) or the neighbours (in none)."""
        sdk = self._ots.sdk
        start = key_of(partition, sdk.INF_MIN if self._chance() < 0.5 else sort)
        end = key_of(partition, sdk.INF_MAX)
        _, _, rows, _ = self._ots.call(
            "get_range", self._table, "FORWARD", start, end, [*_KEY, "version", "expires"], _LOOK, None, 1
        )
        gone = [row for row in map(kept, rows) if row.expires <= self._clock() - _GRACE]
        for row in gone[:_REMOVED]:
            self._deleted(partition, row.sort, exactly(sdk, row.version))


def open_table(location: str, options: Mapping[str, str], clock: Callable[[], float]) -> OtsTable:
    """The table of that name; nothing is sent before its first use."""
    return OtsTable(_client(location, options), clock)


def create_table(location: str, options: Mapping[str, str], sleep: Callable[[float], None] = time.sleep) -> None:
    """Make the table, without a time to live; no error if it is there as it must be. Waits until it is usable."""
    ots = _client(location, options)
    sdk, name = ots.sdk, ots.spot.table
    try:
        with suppress(Refusal):
            meta = sdk.TableMeta(name, [(name, "STRING") for name in _KEY])
            unit = sdk.ReservedThroughput(sdk.CapacityUnit(0, 0))
            ots.call("create_table", meta, sdk.TableOptions(-1, 1, 86400), unit, judged=("OTSObjectAlreadyExist",))
        _await(ots, sleep)
        told = ots.call("describe_table", name)
    finally:
        ots.close()
    if told.table_meta.schema_of_primary_key != [(name, "STRING") for name in _KEY]:
        raise Misconfigured(f"{ots.spot}: the table is there with another key than `partition`, `sort`, both strings")
    if told.table_options.time_to_live != -1:
        raise Misconfigured(f"{ots.spot}: the table has a time to live, which would delete positions: set it to -1")


def _await(ots: OtsClient, sleep: Callable[[float], None]) -> None:
    """A new table is loaded for some seconds, at most a minute."""
    for _ in range(60):
        try:
            ots.call("get_row", ots.spot.table, key_of("a", "a"), None, None, 1, judged=_LOADING)
        except Refusal:
            sleep(1.0)
        else:
            return
    raise StateError(f"{ots.spot}: the table was not ready within a minute")


def _client(location: str, options: Mapping[str, str], keys: Keys | None = None) -> OtsClient:
    return OtsClient(
        spot_of(location, options), keys or (lambda: _key(os.environ)), sleep=time.sleep, chance=random.random
    )


def _key(environ: Mapping[str, str]) -> Key:
    key_id, secret = environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID"), environ.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    if not key_id or not secret:
        names = "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"
        raise Misconfigured(f"tablestore: no access key: set {names} (or give the function a role)")
    token = environ.get("ALIBABA_CLOUD_SECURITY_TOKEN")
    return Key(key_id, Secret(secret), Secret(token) if token else None)
