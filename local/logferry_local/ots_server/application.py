"""The server as an ASGI application: `POST /PutRow` and its kin, a protobuf message each way, signed both ways.

Operations run one at a time in the event loop: a condition and its write are one step. Limit: 5 MB a request.
"""

import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from logferry_local.ots_server import range_operation, row_operations, table_operations
from logferry_local.ots_server.messages import messages
from logferry_local.ots_server.refusals import Refusal, parameter
from logferry_local.ots_server.signatures import AccessKey, Signer, answer_headers, verified
from logferry_local.ots_server.store import Store

__all__ = ["app"]

log = logging.getLogger("logferry.ots_server")

MAX_BODY = 5 * 1024 * 1024


class _Operation(NamedTuple):
    message: Callable[[], Any]
    run: Callable[[Store, str, Any, int], Any]


_OPERATIONS = {
    "CreateTable": _Operation(messages.CreateTableRequest, table_operations.create_table),
    "DescribeTable": _Operation(messages.DescribeTableRequest, table_operations.describe_table),
    "ListTable": _Operation(messages.ListTableRequest, table_operations.list_table),
    "DeleteTable": _Operation(messages.DeleteTableRequest, table_operations.delete_table),
    "GetRow": _Operation(messages.GetRowRequest, row_operations.get_row),
    "PutRow": _Operation(messages.PutRowRequest, row_operations.put_row),
    "UpdateRow": _Operation(messages.UpdateRowRequest, row_operations.update_row),
    "DeleteRow": _Operation(messages.DeleteRowRequest, row_operations.delete_row),
    "GetRange": _Operation(messages.GetRangeRequest, range_operation.get_range),
}


def app(store: Store, keys: Mapping[str, AccessKey], clock: Callable[[], float]) -> Starlette:
    """The application; it does not close the store."""

    async def answer(request: Request) -> Response:
        signer: Signer | None = None
        try:
            body = await _body(request)
            signer = verified(request.url.path, request.headers, body, keys, clock())
            status, reply = 200, _run(store, request, body, int(clock() * 1000)).SerializeToString()
        except Refusal as refusal:
            status, reply = refusal.status, _error(refusal)
        except Exception:
            log.exception("a mistake in this server")
            status, reply = 500, _error(Refusal(500, "OTSInternalServerError", "Internal server error."))
        headers = answer_headers(request.url.path, reply, secrets.token_hex(16), clock(), signer)
        return Response(reply, status, headers)

    methods = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]
    return Starlette(routes=[Route("/{operation:path}", answer, methods=methods, include_in_schema=False)])


async def _body(request: Request) -> bytes:
    if request.method != "POST":
        raise Refusal(405, "OTSMethodNotAllowed", "Only POST method for requests is supported.")
    found = bytearray()
    try:
        async for piece in request.stream():
            found += piece
            if len(found) > MAX_BODY:
                raise Refusal(413, "OTSRequestBodyTooLarge", f"The size of the body exceeds {MAX_BODY} bytes.")
    except ClientDisconnect:
        raise parameter("the request came in part") from None
    return bytes(found)


def _run(store: Store, request: Request, body: bytes, now: int) -> Any:  # noqa: ANN401  # a generated message
    operation = _OPERATIONS.get(request.path_params["operation"])
    if operation is None:
        raise Refusal(400, "OTSUnsupportOperation", "This operation is not served here.")
    message = operation.message()
    try:
        message.ParseFromString(body)
    except DecodeError:
        raise parameter("The body is no message of the protocol.") from None
    return operation.run(store, request.headers["x-ots-instancename"], message, now)


def _error(refusal: Refusal) -> bytes:
    return bytes(messages.Error(code=refusal.code, message=refusal.message).SerializeToString())
