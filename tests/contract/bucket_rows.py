"""What `s3`, `oss` and `s3_compatible` have in common for the contract suite."""

import contextlib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import orjson
from tests.contract.adapter import STATUSES, Row, records
from tests.fakes.bucket_server import BucketServer
from tests.fakes.certificates import Authority
from tests.fakes.misbehaving import Behaviour, Misbehaving, answer, close, drip, mid_answer, nobody, reset, silence

from logferry.errors import DeliveryError, Misconfigured, TooLarge, Transient

__all__ = ["BUCKET", "KEYS", "PLACES", "SECRET", "peer", "rows"]

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
BUCKET = "contract-logs"
PLACES = ("connected", "answers", "tls")
_KEY_ID = Path(__file__).parent / "data/access_key_id"
KEYS: dict[str, object] = {
    "bucket": BUCKET,
    "access_key_id": f"secret://file/{_KEY_ID}",
    "secret_access_key": "secret://env/CONTRACT_SECRET",
    "compress": "none",
}
_ETAG = {"ETag": '"0"'}

Options = Mapping[str, object]
FarSide = Callable[[Path], AbstractContextManager[Options]]


class _Peer(NamedTuple):
    options: Options
    server: BucketServer

    def received(self, count: int) -> list[str]:  # noqa: ARG002  # an answer means that it is stored
        """The messages in the order of the objects' names."""
        return [orjson.loads(line)["message"] for line in self.server.lines()]


@contextlib.contextmanager
def peer(minimal: Options, max_bytes: int = 1 << 30) -> Iterator[_Peer]:
    """A service that verifies each signature."""
    server = BucketServer(BUCKET, {_KEY_ID.read_text(): SECRET}, max_bytes=max_bytes)
    try:
        yield _Peer({**minimal, "endpoint": server.address}, server)
    finally:
        server.close()


def rows(minimal: Options) -> list[Row]:
    """One row for each behaviour."""
    unsent, maybe = "nothing was sent", "it may have been taken"

    def scripted(behaviour: Behaviour) -> FarSide:
        return _scripted(minimal, behaviour)

    def said(status: int, code: str, headers: Mapping[str, str] | None = None) -> FarSide:
        body = f"<Error><Code>{code}</Code><StringToSign>{SECRET}</StringToSign></Error>".encode()
        return scripted(answer(status, body, headers))

    return [
        Row("refused", _at(minimal, None), Transient, unsent, also=_is_new),
        Row("unresolvable", _at(minimal, "http://no-such-host.invalid"), Transient, unsent),
        Row("closed", scripted(close), Transient, maybe, also=_doubts),
        Row("reset", scripted(reset), Transient, maybe, also=_doubts),
        Row("silent", scripted(silence), Transient, f"within 0.3 s; {maybe}", time_out=0.3),
        Row("dripping", scripted(drip), Transient, maybe, time_out=0.3),
        Row("closed_mid_answer", scripted(mid_answer), Transient, maybe),
        Row("delay", said(503, "SlowDown", {"Retry-After": "7"}), Transient, "503 SlowDown", also=_waits(7)),
        Row("oversize", _sink(minimal, 1000), TooLarge, "400 EntityTooLarge", records=records(3, size=2000)),
        Row("partial_refusal", said(400, "InvalidRequest"), Misconfigured, "400 InvalidRequest"),  # all or nothing
        Row("echo", said(403, "SignatureDoesNotMatch"), Misconfigured, "secret access key"),
        Row("no_store", scripted(answer(200, b"<html>log in first</html>")), Misconfigured, "without an ETag"),
        Row("too_new", said(307, "TemporaryRedirect"), Transient, "307", also=_is_new),
        Row("damaged", said(400, "XAmzContentSHA256Mismatch"), Transient, "Mismatch", also=_is_new),
        Row("in_doubt", said(500, "InternalError"), Transient, "500 InternalError", also=_doubts),
        Row("elsewhere", said(301, "PermanentRedirect", {"x-amz-bucket-region": "ap-south-9"}), Misconfigured,
            "write region: ap-south-9"),
        Row("kms", said(400, "KMS.DisabledException"), Misconfigured, "kms_key_id"),
        *(Row(f"code_{code}", said(status, code), Misconfigured, says) for code, (status, says) in _CODES.items()),
        *(Row(f"status_{n}", scripted(answer(n, b"", _ETAG)), _status(n)) for n in STATUSES),
        Row("tls_trusted", _tls(minimal, "127.0.0.1"), None),
        Row("tls_wrong_host", _tls(minimal, "store.example"), Misconfigured, f"mismatch.*; {unsent}"),
        Row("tls_unknown_ca", _tls(minimal, "127.0.0.1", trusted=False), Misconfigured, f"issuer.*; {unsent}"),
        Row("tls_expired", _tls(minimal, "127.0.0.1", expired=True), Misconfigured, f"expired; {unsent}"),
    ]  # fmt: skip


_CODES = {
    "AccessDenied": (403, "grant s3:PutObject"), "NoSuchBucket": (404, "make the bucket"),
    "InvalidAccessKeyId": (403, "not known"), "ExpiredToken": (400, "renew"), "RequestTimeTooSkewed": (403, "clock"),
    "SecondLevelDomainForbidden": (403, "addressing: virtual"),
}  # fmt: skip


def _status(status: int) -> type[DeliveryError] | None:
    if status < 300:
        return None
    if status in (408, 429) or status >= 500:
        return Transient
    return TooLarge if status == 413 else Misconfigured


def _doubts(error: DeliveryError) -> bool:
    return error.in_doubt


def _is_new(error: DeliveryError) -> bool:
    return not error.in_doubt


def _waits(seconds: float) -> Callable[[DeliveryError], bool]:
    return lambda error: isinstance(error, Transient) and error.retry_after == seconds and not error.in_doubt


def _at(minimal: Options, endpoint: str | None) -> FarSide:
    @contextlib.contextmanager
    def far_side(_folder: Path) -> Iterator[Options]:
        with nobody() as port:
            yield {**minimal, "endpoint": endpoint or f"http://127.0.0.1:{port}"}

    return far_side


def _scripted(
    minimal: Options, behaviour: Behaviour, *, tls: ssl.SSLContext | None = None, **options: object
) -> FarSide:
    @contextlib.contextmanager
    def far_side(_folder: Path) -> Iterator[Options]:
        with Misbehaving(behaviour, tls=tls) as server:
            yield {**minimal, "endpoint": server.url, **options}

    return far_side


def _sink(minimal: Options, max_bytes: int) -> FarSide:
    @contextlib.contextmanager
    def far_side(_folder: Path) -> Iterator[Options]:
        with peer(minimal, max_bytes=max_bytes) as found:
            yield found.options

    return far_side


def _tls(minimal: Options, host: str, *, trusted: bool = True, expired: bool = False) -> FarSide:
    @contextlib.contextmanager
    def far_side(folder: Path) -> Iterator[Options]:
        authority = Authority(folder / "authority")
        context = authority.issue([host], expired=expired).server_context()
        options = {"ca_file": str(authority.ca_file)} if trusted else {}
        with _scripted(minimal, answer(200, b"", _ETAG), tls=context, **options)(folder) as found:
            yield found

    return far_side
