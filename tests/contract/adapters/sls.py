"""sls for the contract suite: the embedded log store as the real receiver, scripted servers for the rest."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests.contract.adapter import STATUSES, Row, records
from tests.contract.far_sides import FarSide, WebSides, doubts, fate_of, waits
from tests.fakes.misbehaving import Behaviour, answer, close

from logferry.config import load
from logferry.destinations.sls.options import Config
from logferry.errors import DeliveryError, Misconfigured, Permanent, Refused, TooLarge, Transient
from logferry.model import Record
from logferry.sls.access import opened
from logferry.sls.client import web
from logferry.sls.codec import LogGroups
from logferry.sls.credentials import EnvironKeys
from logferry.sls.logstore import Logstore, Pull
from logferry.sls.projects import create_logstore, create_project
from logferry.vault import Secret
from logferry_local.sls_server.running import serving

SECRET = "contract-5ec5ec5ec5ec"
MINIMAL: dict[str, object] = {
    "endpoint": "http://127.0.0.1:1", "project": "central", "logstore": "edge-logs",
    "access_key_id": "secret://env/CONTRACT_SECRET", "access_key_secret": "secret://env/CONTRACT_SECRET",
    "loop_guard": False,  # so that what arrived can be read as records
}  # fmt: skip
PLACES = ("connected", "answers", "tls")

_SIDES = WebSides(MINIMAL, "endpoint", answer(200, b"", {"x-log-requestid": "R1"}))
_scripted = _SIDES.scripted
_KEYS = {SECRET: Secret(SECRET)}


class _Peer(NamedTuple):
    options: Mapping[str, object]
    logstore: Logstore

    def received(self, count: int) -> list[str]:  # noqa: ARG002  # an answer means that it is in the store
        """The messages; there is nothing to wait for."""
        (shard,) = self.logstore.list_shards()
        begin, end = (self.logstore.get_cursor(shard.name, at) for at in ("begin", "end"))
        pulled = self.logstore.pull_logs(shard.name, Pull(begin, end))
        return [str(record.fields["message"]) for record in LogGroups(pulled.data, begin, end).records()]


@contextlib.contextmanager
def peer(folder: Path) -> Iterator[_Peer]:
    """The embedded log store, which takes our key only."""
    with ExitStack() as stack:
        options = MINIMAL | {"endpoint": stack.enter_context(serving(folder / "sls", _KEYS))}
        config = load(Config, options)
        keys = EnvironKeys({"SLS_AK_ID": SECRET, "SLS_AK_KEY": SECRET})
        logstore = opened(config, config.address, keys, web(), time.time)
        stack.callback(logstore.client.close)
        create_project(logstore.client)
        create_logstore(logstore.client, "edge-logs", shards=1)
        yield _Peer(options, logstore)


def rows() -> list[Row]:
    """One row for each behaviour."""
    return [
        *_SIDES.rows(),
        Row("delay", _said(429, "TooManyRequests", {"Retry-After": "7"}), Transient, "429", also=waits(7)),
        Row("oversize", _said(400, "PostBodyTooLarge"), TooLarge, "PostBodyTooLarge"),
        Row("echo", _scripted(answer(400, SECRET.encode())), Misconfigured, r"\*\*\*"),
        Row("partial_refusal", _scripted(_taken(), _no("PostBodyInvalid")), Refused, "only some.*PostBodyInvalid",
            also=_took({0, 2}), records=_two_topics()),
        Row("partial_doubt", _scripted(_taken(), close), Transient, "it may have", also=doubts, records=_two_topics()),
        *(Row(f"status_{status}", _scripted(answer(status, b"", _ITS_OWN)), fate_of(status)) for status in STATUSES),
        *(Row(f"code_{status}_{code}", _said(status, code), kind, says, also=also)
          for status, code, kind, says, also in _CODES),
        Row("no_log_service", _scripted(answer(200, b"<html>")), Misconfigured, "without x-log-requestid"),
        Row("no_such_logstore", _real(logstore="absent"), Misconfigured, "LogStoreNotExist.*make the logstore"),
        Row("no_such_project", _real(project="absent"), Misconfigured, "ProjectNotExist.*make the project"),
        Row("real", _real(compression="zstd", hash_key="f" * 32), None),
    ]  # fmt: skip


def _sure(error: DeliveryError) -> bool:
    return not error.in_doubt


_Code = tuple[int, str, type[DeliveryError], str, Callable[[DeliveryError], bool] | None]
_CODES: list[_Code] = [
    (403, "WriteQuotaExceed", Transient, "", _sure),
    (403, "ShardWriteQuotaExceed", Transient, "", _sure),
    (403, "ProjectQuotaExceed", Transient, "", _sure),
    (503, "ServerBusy", Transient, "", _sure),
    (500, "InternalServerError", Transient, "", doubts),
    (400, "RequestTimeout", Transient, "", doubts),
    (400, "PostBodyInvalid", Permanent, "", None),
    (400, "InvalidTimestamp", Permanent, "", None),
    (400, "InvalidKey", Permanent, "", None),
    (400, "InvalidEncoding", Permanent, "", None),
    (400, "InvalidCompressType", Misconfigured, "", None),
    (400, "PostBodyUncompressError", Misconfigured, "", None),
    (400, "ProjectQuotaExceed", Misconfigured, "ask the vendor for a higher quota", None),
    (400, "RequestTimeExpired", Misconfigured, "check this machine's clock", None),
    (401, "SignatureNotMatch", Misconfigured, "check access_key_secret", None),
    (401, "Unauthorized", Misconfigured, "PutLogs needs the action log:PostLogStoreLogs", None),
    (401, "SecurityTokenExpired", Misconfigured, "renew the temporary key", None),
    (403, "AccessDenied", Misconfigured, "log:PostLogStoreLogs", None),
    (404, "LogStoreNotExist", Misconfigured, "make the logstore", None),
    (404, "ProjectNotExist", Misconfigured, "make the project", None),
]
_ITS_OWN = {"x-log-requestid": "R1"}


def _took(indexes: set[int]) -> Callable[[DeliveryError], bool]:
    return lambda error: isinstance(error, Refused) and not error.refused and error.delivered == indexes


def _two_topics() -> list[Record]:
    """Three records of which the middle one needs a log group of its own."""
    first, middle, last = records(3)
    return [first, Record(1, middle.time, 0, {**middle.fields, "__topic__": "another"}), last]


def _taken() -> Behaviour:
    return answer(200, b"", _ITS_OWN)


def _no(code: str, status: int = 400, headers: Mapping[str, str] | None = None) -> Behaviour:
    return answer(status, {"errorCode": code, "errorMessage": "Scripted"}, {**_ITS_OWN, **(headers or {})})


def _said(status: int, code: str, headers: Mapping[str, str] | None = None) -> FarSide:
    return _scripted(_no(code, status, headers))


def _real(**options: object) -> FarSide:
    @contextlib.contextmanager
    def far_side(folder: Path) -> Iterator[Mapping[str, object]]:
        with peer(folder) as found:
            yield {**found.options, **options}

    return far_side
