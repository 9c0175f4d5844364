"""What went wrong on the way of an HTTP request, as one of our errors; called only after something did.

The message is made here from the kind of fault: the foreign text may hold header values or proxy credentials.
"""

import re
import ssl
from collections.abc import Iterator, Sequence

from logferry.errors import DeliveryError, Misconfigured, Transient

__all__ = ["ReplyTooLong", "foreign", "translate"]

_NOTHING_SENT = "nothing was sent"
_MAYBE_TAKEN = "it may have been taken"
_NO_TUNNEL = re.compile(r"Tunnel connection failed: ([0-9]{3})")
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_NO_PEM = ("NO_CERTIFICATE_OR_CRL_FOUND", "NO_START_LINE", "PEM_LIB")
_REFUSED_BY_PEER = ("CERTIFICATE_REQUIRED", "UNKNOWN_CA", "BAD_CERTIFICATE", "PROTOCOL_VERSION", "HANDSHAKE_FAILURE")


class ReplyTooLong(Exception):
    """The reply's body went over the limit."""


def foreign() -> tuple[type[Exception], ...]:
    """What a request can raise; anything else is a defect of ours and is not caught."""
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    return (RequestException, HTTPError, OSError, UnicodeError, ReplyTooLong)


def translate(error: Exception, peer: str, time_out: float) -> DeliveryError:
    """The error's class says what to do, its text which step failed and whether the request may have arrived."""
    from requests.exceptions import InvalidHeader, InvalidProxyURL, InvalidURL
    from urllib3.exceptions import ProxySchemeUnknown

    chain = list(_causes(error))
    if isinstance(error, InvalidProxyURL | ProxySchemeUnknown):
        return Misconfigured(f"{peer}: the proxy's address is none, expected http://HOST:PORT; {_NOTHING_SENT}")
    if isinstance(error, InvalidHeader | InvalidURL | UnicodeError):
        return Misconfigured(f"{peer}: the URL or a header (the token?) holds characters that HTTP does not allow")
    tls = next((cause for cause in chain if isinstance(cause, ssl.SSLError)), None)
    if tls is not None:
        return _of_tls(tls, peer)
    tunnel = next((found for cause in chain if (found := _NO_TUNNEL.search(str(cause)))), None)
    if tunnel is not None:
        return _of_proxy(int(tunnel[1]), peer)
    step = _step(chain, time_out)
    return Transient(f"{peer}: {step}", in_doubt=step.endswith(_MAYBE_TAKEN))


def _of_proxy(status: int, peer: str) -> DeliveryError:
    """What the proxy answered to CONNECT, so before anything of the request itself was sent."""
    if status == 407:
        return Misconfigured(f"{peer}: the proxy wants credentials (407); {_NOTHING_SENT}")
    if 400 <= status < 500 and status not in (408, 429):
        return Misconfigured(f"{peer}: the proxy does not let us through ({status}); {_NOTHING_SENT}")
    return Transient(f"{peer}: the proxy could not reach it ({status}); {_NOTHING_SENT}")


def _step(chain: Sequence[BaseException], time_out: float) -> str:
    """Which step failed: the first kind that occurs in the chain."""
    from urllib3 import exceptions as inner

    steps: Sequence[tuple[tuple[type[BaseException], ...], str]] = (
        ((inner.NameResolutionError,), f"the host name does not resolve; {_NOTHING_SENT}"),
        ((inner.ConnectTimeoutError,), f"no connection within {round(time_out, 1):g} s; {_NOTHING_SENT}"),
        ((inner.NewConnectionError,), f"no connection: {_reason(chain)}; {_NOTHING_SENT}"),
        ((inner.ReadTimeoutError, TimeoutError), f"no whole answer within {round(time_out, 1):g} s; {_MAYBE_TAKEN}"),
        ((ReplyTooLong,), f"the answer is longer than its limit; {_MAYBE_TAKEN}"),
    )
    for kinds, text in steps:
        # NewConnectionError is a ConnectTimeoutError by inheritance, so the exact class is compared.
        if any(type(cause) in kinds for cause in chain):
            return text
    return f"the connection broke before the answer was whole: {_reason(chain)}; {_MAYBE_TAKEN}"


def _of_tls(error: ssl.SSLError, peer: str) -> DeliveryError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Misconfigured(f"{peer}: its certificate does not verify: {error.verify_message}; {_NOTHING_SENT}")
    reason = (error.reason or "the connection ended").replace("_", " ").lower()
    if error.reason in _NO_TLS:
        return Misconfigured(f"{peer}: does not speak TLS (is it an http:// address?): {reason}; {_NOTHING_SENT}")
    if error.reason in _NO_PEM:
        return Misconfigured(f"ca_file: holds no PEM certificate; {_NOTHING_SENT}")
    if "ALERT" in (error.reason or "") and str(error.reason).endswith(_REFUSED_BY_PEER):
        return Misconfigured(f"{peer}: refuses our side of TLS (a client certificate?): {reason}; {_NOTHING_SENT}")
    return Transient(f"{peer}: TLS failed: {reason}; {_MAYBE_TAKEN}", in_doubt=True)


def _reason(chain: Sequence[BaseException]) -> str:
    """The deepest system error in words."""
    for cause in reversed(chain):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return type(chain[-1]).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, wrapped ones included; at most 20."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting and len(seen) < 20:
        cause = waiting.pop()
        if cause is None or cause in seen:
            continue
        seen.append(cause)
        yield cause
        held = [cause.__context__, cause.__cause__, getattr(cause, "reason", None), *cause.args]
        waiting += [item for item in held if isinstance(item, BaseException)]
