"""Operations on projects: CreateProject, GetProject, ListProject, UpdateProject, DeleteProject."""

from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from logferry_local.sls_server.catalog import Project
from logferry_local.sls_server.frame import Call, answer

__all__ = ["create", "delete", "read", "update"]

_OWNER = "0"
_REGION = "local"


async def create(call: Call) -> Response:
    """CreateProject."""
    body = call.members()
    name = str(body.get("projectName") or call.project)
    call.service.store.catalog.create_project(name, str(body.get("description", "")))
    return answer()


async def read(call: Call) -> Response:
    """GetProject; or ListProject, told by its parameters or by a host without a project."""
    catalog = call.service.store.catalog
    if call.project and "size" not in call.params and "offset" not in call.params:
        return answer(_described(call.project, catalog.project(call.project)))
    wanted = call.params.get("projectName", "")
    found = [_described(name, project) for name, project in catalog.projects() if wanted in name]
    offset, size = call.number("offset", 0, 0, 1 << 31), call.number("size", 100, 0, 500)
    page = found[offset : offset + size]
    return answer({"count": len(page), "total": len(found), "projects": page})


async def update(call: Call) -> Response:
    """UpdateProject."""
    call.service.store.catalog.update_project(call.project, str(call.members().get("description", "")))
    return answer()


async def delete(call: Call) -> Response:
    """DeleteProject."""
    call.service.store.delete_project(call.project)
    return answer()


def _described(name: str, project: Project) -> dict[str, Any]:
    made = datetime.fromtimestamp(project.create_time, UTC).strftime("%Y-%m-%d %H:%M:%S")
    times = {"createTime": made, "lastModifyTime": made}
    place = {"region": _REGION, "owner": _OWNER, "resourceGroupId": ""}
    return {"projectName": name, "status": "Normal", "description": project.description, **place, **times}
