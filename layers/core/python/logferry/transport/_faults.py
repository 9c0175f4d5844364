"""What went wrong on the way of an HTTP request, as one of our errors; called only after something did.

The message is made here from the kind of fault: the foreign text may hold header values or proxy credentials.
"""

import ssl

from logferry.errors import DeliveryError, Misconfigured, Transient

__all__ = ["Garbled", "ReplyTooLong", "doubtful", "of_proxy", "unsent"]

_NOTHING_SENT = "nothing was sent"
_MAYBE_TAKEN = "it may have been taken"
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_NO_PEM = ("NO_CERTIFICATE_OR_CRL_FOUND", "NO_START_LINE", "PEM_LIB")
_REFUSED_BY_PEER = ("CERTIFICATE_REQUIRED", "UNKNOWN_CA", "BAD_CERTIFICATE", "PROTOCOL_VERSION", "HANDSHAKE_FAILURE")


class ReplyTooLong(Exception):
    """The reply's body went over the limit."""


class Garbled(Exception):
    """What came is no answer of HTTP, or ends before it is whole."""


def unsent(error: Exception, peer: str, time_out: float) -> DeliveryError:
    """Of what happened before the request itself was begun."""
    if isinstance(error, ssl.SSLError) and not isinstance(error, TimeoutError):
        return _of_tls(error, peer, _NOTHING_SENT)
    if isinstance(error, TimeoutError):
        return Transient(f"{peer}: no connection within {round(time_out, 1):g} s; {_NOTHING_SENT}")
    return Transient(f"{peer}: no connection: {_reason(error)}; {_NOTHING_SENT}")


def doubtful(error: Exception, peer: str, time_out: float) -> DeliveryError:
    """Of what happened once the request was on its way."""
    if isinstance(error, ssl.SSLError):
        return _of_tls(error, peer, _MAYBE_TAKEN)
    if isinstance(error, TimeoutError):
        step = f"no whole answer within {round(time_out, 1):g} s"
    elif isinstance(error, ReplyTooLong):
        step = "the answer is longer than its limit"
    else:
        step = f"the connection broke before the answer was whole: {_reason(error)}"
    return Transient(f"{peer}: {step}; {_MAYBE_TAKEN}", in_doubt=True)


def of_proxy(status: int, peer: str) -> DeliveryError:
    """What the proxy answered to CONNECT, so before anything of the request itself was sent."""
    if status == 407:
        return Misconfigured(f"{peer}: the proxy wants credentials (407); {_NOTHING_SENT}")
    if 400 <= status < 500 and status not in (408, 429):
        return Misconfigured(f"{peer}: the proxy does not let us through ({status}); {_NOTHING_SENT}")
    return Transient(f"{peer}: the proxy could not reach it ({status}); {_NOTHING_SENT}")


def _of_tls(error: ssl.SSLError, peer: str, sent: str) -> DeliveryError:
    if sent == _MAYBE_TAKEN and not str(error.reason).endswith(_REFUSED_BY_PEER):  # TLS stood already
        return Transient(f"{peer}: TLS failed: {_tls_reason(error)}; {sent}", in_doubt=True)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Misconfigured(f"{peer}: its certificate does not verify: {error.verify_message}; {_NOTHING_SENT}")
    reason = _tls_reason(error)
    if error.reason in _NO_TLS:
        return Misconfigured(f"{peer}: does not speak TLS (is it an http:// address?): {reason}; {_NOTHING_SENT}")
    if error.reason in _NO_PEM:
        return Misconfigured(f"ca_file: holds no PEM certificate; {_NOTHING_SENT}")
    if "ALERT" in (error.reason or "") and str(error.reason).endswith(_REFUSED_BY_PEER):
        return Misconfigured(f"{peer}: refuses our side of TLS (a client certificate?): {reason}; {_NOTHING_SENT}")
    return Transient(f"{peer}: TLS failed: {reason}; {sent}", in_doubt=sent == _MAYBE_TAKEN)


def _tls_reason(error: ssl.SSLError) -> str:
    return (error.reason or "the connection ended").replace("_", " ").lower()


def _reason(error: Exception) -> str:
    """The system's words; a foreign text may hold anything."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, Garbled):
        return str(error) or "garbled"  # our own words
    return "closed by the far side" if isinstance(error, ConnectionError) else type(error).__name__
