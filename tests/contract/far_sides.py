"""What destinations over HTTP meet alike, for the contract suite: nobody there, broken connections, certificates."""

import contextlib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from tests.contract.adapter import Row
from tests.fakes.certificates import Authority
from tests.fakes.misbehaving import Behaviour, Misbehaving, close, mid_answer, nobody, reset, silence

from logferry.errors import DeliveryError, Misconfigured, TooLarge, Transient

__all__ = ["FarSide", "WebSides", "doubts", "fate_of", "waits"]

Options = Mapping[str, object]
FarSide = Callable[[Path], AbstractContextManager[Options]]


def waits(seconds: float) -> Callable[[DeliveryError], bool]:
    """Whether the error asks to wait that long."""
    return lambda error: isinstance(error, Transient) and error.retry_after == seconds


def doubts(error: DeliveryError) -> bool:
    """Whether the payload may have been taken."""
    return error.in_doubt


def fate_of(status: int) -> type[DeliveryError] | None:
    """What a status means for a receiver that says itself what it dislikes of a record: no 4xx is a record's fault."""
    if status < 300:
        return None
    if status in (408, 429) or status >= 500:
        return Transient
    return {413: TooLarge}.get(status, Misconfigured)


class WebSides:
    """`minimal` options, of which `option` is the address; `taken` is how the receiver says that it took a payload."""

    def __init__(self, minimal: Options, option: str, taken: Behaviour) -> None:
        self._minimal, self._option, self._taken = minimal, option, taken

    def rows(self) -> list[Row]:
        """What is the same for all of them."""
        unsent, maybe = "nothing was sent", "it may have been taken"
        return [
            Row("refused", self._refused, Transient, unsent),
            Row("unresolvable", self._unresolvable, Transient, unsent),
            Row("closed", self.scripted(close), Transient, maybe, also=doubts),
            Row("reset", self.scripted(reset), Transient, maybe, also=doubts),
            Row("silent", self.scripted(silence), Transient, f"within 0.3 s; {maybe}", time_out=0.3),
            Row("closed_mid_answer", self.scripted(mid_answer), Transient, maybe),
            Row("tls_trusted", self._tls("127.0.0.1"), None),
            Row("tls_wrong_host", self._tls("far.example"), Misconfigured, f"mismatch.*; {unsent}"),
            Row("tls_unknown_ca", self._tls("127.0.0.1", trusted=False), Misconfigured, f"issuer.*; {unsent}"),
            Row("tls_expired", self._tls("127.0.0.1", expired=True), Misconfigured, f"expired; {unsent}"),
        ]

    def scripted(self, *script: Behaviour, tls: ssl.SSLContext | None = None, **options: object) -> FarSide:
        """A server that behaves like this; `options` beside the minimal ones."""

        @contextlib.contextmanager
        def far_side(_folder: Path) -> Iterator[Options]:
            with Misbehaving(*script, tls=tls) as server:
                yield {**self._minimal, self._option: server.url, **options}

        return far_side

    @contextlib.contextmanager
    def _refused(self, _folder: Path) -> Iterator[Options]:
        with nobody() as port:
            yield {**self._minimal, self._option: f"http://127.0.0.1:{port}"}

    @contextlib.contextmanager
    def _unresolvable(self, _folder: Path) -> Iterator[Options]:
        yield {**self._minimal, self._option: "http://no-such-host.invalid:8088"}

    def _tls(self, host: str, *, trusted: bool = True, expired: bool = False) -> FarSide:
        @contextlib.contextmanager
        def far_side(folder: Path) -> Iterator[Options]:
            authority = Authority(folder / "authority")
            context = authority.issue([host], expired=expired).server_context()
            options = {"ca_file": str(authority.ca_file)} if trusted else {}
            with self.scripted(self._taken, tls=context, **options)(folder) as found:
                yield found

        return far_side
