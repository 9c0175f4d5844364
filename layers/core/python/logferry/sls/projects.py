"""Projects, logstores and indexes: create, get, list, delete. Retention is in days.

Each `create_…` returns False where there is one of that name already.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from logferry.errors import SourceError
from logferry.sls.client import Client, Request
from logferry.sls.logstore import Logstore

__all__ = [
    "create_index", "create_logstore", "create_project", "delete_index", "delete_logstore", "delete_project",
    "get_index", "get_logstore", "get_project", "list_logstores", "list_projects",
]  # fmt: skip

_PAGE = 100
_MOST = 100_000  # names of one listing, so that a server that repeats itself ends


def create_project(client: Client, description: str = "") -> bool:
    """CreateProject: the client's own project."""
    document = {"projectName": client.project, "description": description}
    return client.create(Request("CreateProject", "POST", "/").with_json(document))


def get_project(client: Client) -> dict[str, Any]:
    """GetProject: the client's own project; Missing."""
    return _document(client, Request("GetProject", "GET", "/"))


def delete_project(client: Client) -> None:
    """DeleteProject: the client's own project with all that is in it."""
    client.call(Request("DeleteProject", "DELETE", "/"))


def list_projects(client: Client) -> list[str]:
    """ListProject: names; the client is one without a project."""
    request = Request("ListProject", "GET", "/")
    return [
        str(found.get("projectName")) for found in _pages(client, request, "projects") if isinstance(found, Mapping)
    ]


def create_logstore(client: Client, name: str, *, days: int = 30, shards: int = 2) -> bool:
    """CreateLogstore."""
    document = {
        "logstoreName": name, "ttl": days, "shardCount": shards, "enable_tracking": False, "autoSplit": False,
        "maxSplitShard": 64, "appendMeta": False,
    }  # fmt: skip
    return client.create(Request("CreateLogstore", "POST", "/logstores").with_json(document))


def get_logstore(client: Client, name: str) -> dict[str, Any]:
    """GetLogstore; Missing."""
    return _document(client, Request("GetLogstore", "GET", f"/logstores/{name}"))


def list_logstores(client: Client) -> list[str]:
    """ListLogstores: names."""
    return [str(found) for found in _pages(client, Request("ListLogstores", "GET", "/logstores"), "logstores")]


def delete_logstore(client: Client, name: str) -> None:
    """DeleteLogstore, with all its logs."""
    client.call(Request("DeleteLogstore", "DELETE", f"/logstores/{name}"))


def create_index(logstore: Logstore, index: Mapping[str, Any]) -> bool:
    """CreateIndex."""
    return logstore.client.create(Request("CreateIndex", "POST", f"{logstore.path}/index").with_json(index))


def get_index(logstore: Logstore) -> dict[str, Any]:
    """GetIndex; a SourceError if there is none."""
    return _document(logstore.client, Request("GetIndex", "GET", f"{logstore.path}/index"))


def delete_index(logstore: Logstore) -> None:
    """DeleteIndex."""
    logstore.client.call(Request("DeleteIndex", "DELETE", f"{logstore.path}/index"))


def _document(client: Client, request: Request) -> dict[str, Any]:
    answer = client.call(request)
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SourceError(f"{answer.operation}: the answer is not a JSON object", transient=True) from None


def _pages(client: Client, request: Request, member: str) -> Iterator[object]:
    """All entries of a listing, page by page."""
    offset = 0
    while offset < _MOST:
        found = _document(client, replace(request, params={"offset": str(offset), "size": str(_PAGE)}))
        page = found.get(member)
        if not isinstance(page, list):
            raise SourceError(f"{request.operation}: the answer has no list {member}", transient=True)
        yield from page
        offset += len(page)
        total = found.get("total")
        if not page or not isinstance(total, int) or offset >= total:
            return
