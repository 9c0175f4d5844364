"""A state row as Tablestore has it, the conditions of its writes, and where a table is.

Every condition is false where its column is missing: true is the SDK's default, and makes a blind write of it.
Names by the service's rules: a table has 1 to 255 letters, digits and underscores, an instance is part of a host name.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from logferry.errors import ConfigError, Misconfigured
from logferry.state._ots_client import Spot

__all__ = ["NEVER", "Kept", "absent", "at", "exactly", "kept", "key_of", "spot_of"]

NEVER = 2**63 - 1


class Kept(NamedTuple):
    """A row as it was read, expired or not; `value` is empty where it was not asked for."""

    sort: str
    value: bytes
    version: str
    expires: int


def kept(row: Any) -> Kept:  # noqa: ANN401  # the SDK's
    """The SDK's row; Misconfigured if somebody else wrote it."""
    columns = {column[0]: column[1] for column in row.attribute_columns}
    sort, version, expires = dict(row.primary_key).get("sort"), columns.get("version"), columns.get("expires")
    if not isinstance(sort, str) or not isinstance(version, str) or not isinstance(expires, int):
        raise Misconfigured("tablestore: a row lacks `version` or `expires`: is this table logferry's own?")
    return Kept(sort, bytes(columns.get("value", b"")), version, expires)


def key_of(partition: str, sort: Any) -> list[tuple[str, Any]]:  # noqa: ANN401  # text, or the SDK's least and greatest
    """The primary key."""
    return [("partition", partition), ("sort", sort)]


def absent(sdk: Any) -> Any:  # noqa: ANN401  # an untyped package
    """There is no row, not even an expired one."""
    return sdk.Condition(sdk.RowExistenceExpectation.EXPECT_NOT_EXIST)


def exactly(sdk: Any, version: str) -> Any:  # noqa: ANN401  # an untyped package
    """The row is at that version, expired or not."""
    return _there(sdk, _column(sdk, "version", version, sdk.ComparatorType.EQUAL))


def at(sdk: Any, version: str, now: float) -> Any:  # noqa: ANN401  # an untyped package
    """The row is at that version and has not expired."""
    both = sdk.CompositeColumnCondition(sdk.LogicalOperator.AND)
    both.add_sub_condition(_column(sdk, "version", version, sdk.ComparatorType.EQUAL))
    both.add_sub_condition(_column(sdk, "expires", int(now), sdk.ComparatorType.GREATER_THAN))
    return _there(sdk, both)


def spot_of(location: str, options: Mapping[str, str]) -> Spot:
    """The table at INSTANCE/TABLE; ConfigError with all that is wrong."""
    instance, _, table = location.partition("/")
    region, endpoint = options.get("region") or None, options.get("endpoint", "").rstrip("/")
    found = []
    if not re.fullmatch(r"[A-Za-z0-9-]{1,63}", instance) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,254}", table):
        found.append(f"{location[:100]!r} is not of the form INSTANCE/TABLE")
    if region and not re.fullmatch(r"[a-z0-9-]{1,40}", region):
        found.append(f"region: {region[:60]!r} is not one such as cn-hangzhou")
    if not region and not endpoint:
        found.append("region: is missing, expected one such as cn-hangzhou")
    if endpoint and not _is_url(endpoint):
        found.append("endpoint: is not a URL such as https://INSTANCE.cn-hangzhou.vpc.tablestore.aliyuncs.com")
    if found:
        raise ConfigError(found, subject="tablestore")
    return Spot(instance, table, endpoint or f"https://{instance}.{region}.ots.aliyuncs.com", region)


def _is_url(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and endpoint.lower() == _bare(endpoint)
    except ValueError:
        return False


def _bare(endpoint: str) -> str:
    """Without user, path and query: a password there would be shown in errors."""
    parts = urlsplit(endpoint)
    port = f":{parts.port}" if parts.port is not None else ""
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{name}{port}"


def _there(sdk: Any, condition: Any) -> Any:  # noqa: ANN401  # an untyped package
    return sdk.Condition(sdk.RowExistenceExpectation.EXPECT_EXIST, condition)


def _column(sdk: Any, name: str, value: object, comparator: object) -> Any:  # noqa: ANN401  # an untyped package
    return sdk.SingleColumnCondition(name, value, comparator, pass_if_missing=False)
