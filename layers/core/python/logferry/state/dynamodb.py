"""`dynamodb:TABLE?region=…&endpoint=…`: a table that several hosts and functions share.

Keys `partition` and `sort` (S); attributes `value` (B), `version` (S), `expires` (N, Unix seconds; the table's
time-to-live attribute, but readers judge it: DynamoDB deletes days late). Reads are strongly consistent. An item is
at most 400 kB, a page 1 MB. A call takes at most 3 attempts of 3 s to connect and 8 s in all (`_dynamo_service`).
Credentials come the SDK's way (environment, profile, role). Only making a table needs
the SDK. Needs dynamodb:GetItem, PutItem, DeleteItem, Query.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from logferry import aws_client
from logferry.aws_client import AwsClient
from logferry.state import Item
from logferry.state._dynamo_service import Clocks, Declined, Service
from logferry.state._rows import check_key, check_value, conflict, new_version, whole

__all__ = ["FORM", "OPTIONS", "DynamoTable", "create_table", "open_table"]

OPTIONS = aws_client.OPTIONS
FORM = "dynamodb:TABLE?region=…&endpoint=…"

_TIMES = {"connect_timeout": 3, "read_timeout": 5, "max_pool_connections": 32}
_LIVE = "(attribute_not_exists(#e) OR #e > :now)"
_NAMES = {"#p": "partition", "#v": "version", "#e": "expires"}


class DynamoTable:
    """Rows in one DynamoDB table."""

    def __init__(self, name: str, service: Service, clock: Callable[[], float]) -> None:
        self._name = name
        self._service = service
        self._clock = clock

    def get(self, partition: str, sort: str) -> Item | None:
        """The row, None if there is none or it has expired."""
        check_key(partition, sort)
        asked = {"TableName": self._name, "Key": _key(partition, sort), "ConsistentRead": True}
        reply = self._service.ask("GetItem", asked)
        return self._item(reply["Item"]) if "Item" in reply else None

    def put(self, partition: str, sort: str, value: bytes, *, expect: str | None, expires: float | None = None) -> str:
        """Write if the row is at `expect`; the new version."""
        check_key(partition, sort)
        check_value(value)
        until, version = whole(expires), new_version()
        row = _key(partition, sort) | {"value": {"B": base64.b64encode(value).decode()}, "version": {"S": version}}
        if until is not None:
            row["expires"] = {"N": str(until)}
        try:
            self._service.ask("PutItem", {"TableName": self._name, "Item": row, **self._if(expect)})
        except Declined as error:
            # A call whose answer was lost is repeated; the repeat then finds the row that it wrote itself.
            if error.item.get("version", {}).get("S") != version:
                raise conflict(partition, sort, version) from None
        return version

    def delete(self, partition: str, sort: str, *, expect: str) -> None:
        """Delete if the row is at `expect`."""
        check_key(partition, sort)
        try:
            asked = {"TableName": self._name, "Key": _key(partition, sort), **self._if(expect)}
            self._service.ask("DeleteItem", asked)
        except Declined:
            raise conflict(partition, sort, "") from None

    def list(self, partition: str) -> Iterator[Item]:
        """All rows of one partition in order, one query a page."""
        check_key(partition)
        return self._pages(partition)

    def close(self) -> None:
        """Close the connections; a later use opens new ones."""
        with suppress(Exception):
            self._service.close()

    def _pages(self, partition: str) -> Iterator[Item]:
        query: dict[str, Any] = {
            "TableName": self._name,
            "ConsistentRead": True,
            "KeyConditionExpression": "#p = :p",
            "ExpressionAttributeNames": {"#p": "partition"},
            "ExpressionAttributeValues": {":p": {"S": partition}},
        }
        while True:
            reply = self._service.ask("Query", query)
            found = map(self._item, reply["Items"])
            yield from (item for item in found if item is not None)
            if "LastEvaluatedKey" not in reply:
                return
            query["ExclusiveStartKey"] = reply["LastEvaluatedKey"]

    def _item(self, row: Mapping[str, Any]) -> Item | None:
        if "expires" in row and float(row["expires"]["N"]) <= self._clock():
            return None
        return Item(row["sort"]["S"], base64.b64decode(row["value"]["B"]), row["version"]["S"])

    def _if(self, expect: str | None) -> dict[str, Any]:
        values = {":now": {"N": str(int(self._clock()))}}
        names = dict(_NAMES)
        if expect is None:
            del names["#v"]
            condition = "attribute_not_exists(#p) OR #e <= :now"
        else:
            del names["#p"]
            values[":v"] = {"S": expect}
            condition = f"#v = :v AND {_LIVE}"
        return {
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


def open_table(location: str, options: Mapping[str, str], clock: Callable[[], float]) -> DynamoTable:
    """The table of that name; nothing is sent before its first use."""
    return DynamoTable(location, Service(options, f"dynamodb:{location}", Clocks()), clock)


def create_table(location: str, options: Mapping[str, str]) -> None:
    """Make the table, paid by request, with its time-to-live on; no error if it is there. Waits until it is usable."""
    aws = AwsClient("dynamodb", options, subject=f"dynamodb:{location}", settings=_TIMES)
    keys = (("partition", "HASH"), ("sort", "RANGE"))
    with aws.use() as client:
        with suppress(client.exceptions.ResourceInUseException):
            client.create_table(
                TableName=location,
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
                KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
                BillingMode="PAY_PER_REQUEST",
            )
        client.get_waiter("table_exists").wait(TableName=location, WaiterConfig={"Delay": 2, "MaxAttempts": 60})
        told = client.describe_time_to_live(TableName=location)["TimeToLiveDescription"]["TimeToLiveStatus"]
        if told in ("DISABLED", "DISABLING"):
            client.update_time_to_live(
                TableName=location, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
            )
    aws.close()


def _key(partition: str, sort: str) -> dict[str, Any]:
    return {"partition": {"S": partition}, "sort": {"S": sort}}
