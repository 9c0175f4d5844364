"""Client side of TLS: 1.2 or later, certificate and host name verified unless told otherwise (RFC 5425, RFC 9662)."""

import contextlib
import logging
import ssl
import stat
from pathlib import Path
from typing import NamedTuple, NoReturn

from logferry.errors import Misconfigured

__all__ = ["Trust", "advice", "client_context", "is_refusal"]

log = logging.getLogger(__name__)

# OpenSSL's names of what only a person can put right. A reset in the middle of a handshake is not among them.
_REFUSALS = (
    "ACCESS_DENIED", "BAD_CERTIFICATE", "CERTIFICATE", "DECRYPT_ERROR", "HANDSHAKE_FAILURE", "HTTP_REQUEST",
    "PROTOCOL_VERSION", "UNKNOWN_CA", "UNRECOGNIZED_NAME", "UNSUPPORTED_PROTOCOL", "WRONG_VERSION_NUMBER",
)  # fmt: skip

_UNKNOWN_SIGNER = "give the receiver's authority in ca_file"
_NOT_NOW = "the receiver's certificate must be renewed, or this machine's clock set right"
_OTHER_NAME = "write as host the name that its certificate is for"
# By OpenSSL's number of what is wrong with the receiver's certificate.
_VERIFYING = {
    9: _NOT_NOW, 10: _NOT_NOW, 18: _UNKNOWN_SIGNER, 19: _UNKNOWN_SIGNER, 20: _UNKNOWN_SIGNER, 21: _UNKNOWN_SIGNER,
    62: _OTHER_NAME, 64: _OTHER_NAME,
}  # fmt: skip
# By a part of OpenSSL's name of what the receiver objected to; the first that fits counts.
_ALERTS = {
    "ALERT_CERTIFICATE_REQUIRED": "it wants a client certificate: set cert_file and key_file",
    "ALERT_CERTIFICATE_EXPIRED": "our certificate has expired: renew cert_file",
    "ALERT_UNKNOWN_CA": "the receiver does not trust the authority that signed cert_file",
    "ALERT_BAD_CERTIFICATE": "the receiver does not accept cert_file, or wants one and there is none",
    "CERTIFICATE_UNKNOWN": "the receiver does not accept cert_file",
    "UNSUPPORTED_CERTIFICATE": "the receiver does not accept cert_file: is it one for clients?",
    "HANDSHAKE_FAILURE": "no cipher in common, or it wants a client certificate: set cert_file and key_file",
    "WRONG_VERSION_NUMBER": "nobody speaks TLS there: protocol tcp, or another port",
    "HTTP_REQUEST": "nobody speaks TLS there: protocol tcp, or another port",
    "PROTOCOL_VERSION": "it has no TLS 1.2 or later",
    "UNSUPPORTED_PROTOCOL": "it has no TLS 1.2 or later",
}


class Trust(NamedTuple):
    """Whom to trust and who to be. Paths of PEM files; without `ca_file` the system's authorities count."""

    ca_file: str | None = None
    verify: bool = True
    cert_file: str | None = None
    key_file: str | None = None

    def stamp(self) -> tuple[float, ...]:
        """Changes when one of the files does (a renewed certificate)."""
        times: list[float] = []
        for path in filter(None, (self.ca_file, self.cert_file, self.key_file)):
            with contextlib.suppress(OSError):
                times.append(Path(path).stat().st_mtime_ns)
        return tuple(times)


def client_context(trust: Trust) -> ssl.SSLContext:
    """The context of a connection; Misconfigured when a file is missing or is not what it should be."""
    try:
        context = ssl.create_default_context(cafile=trust.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"ca_file {trust.ca_file}: {_why(error)}; a PEM file of certificates is needed") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not trust.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if trust.cert_file:
        _look_at(cert_file=trust.cert_file, key_file=trust.key_file or trust.cert_file)
        try:
            context.load_cert_chain(trust.cert_file, trust.key_file, password=_no_password)
        except (OSError, ssl.SSLError) as error:
            raise Misconfigured(
                f"cert_file {trust.cert_file}, key_file {trust.key_file}: {_why(error)}; "
                "PEM files of a certificate and its unencrypted key are needed"
            ) from error
    return context


def advice(error: OSError) -> str:
    """What to do about a TLS error, as far as it can be told; nothing otherwise."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFYING.get(error.verify_code, "")
    reason = str(getattr(error, "reason", None) or "") if isinstance(error, ssl.SSLError) else ""
    return next((told for name, told in _ALERTS.items() if name in reason), "")


def is_refusal(error: OSError) -> bool:
    """Whether a TLS error names certificates, names or versions: trying again would change nothing."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return True
    reason = getattr(error, "reason", None) if isinstance(error, ssl.SSLError) else None
    return bool(reason) and any(name in str(reason) for name in _REFUSALS)


def _look_at(**files: str) -> None:
    """Each must be readable, which OpenSSL tells without a name; a key that anybody can read is warned of."""
    for option, path in files.items():
        try:
            with Path(path).open("rb") as file:
                file.read(1)
        except OSError as error:
            hint = "; the account that runs this must be able to read it" if isinstance(error, PermissionError) else ""
            raise Misconfigured(f"{option} {path}: {error.strerror}{hint}") from error
    if Path(files["key_file"]).stat().st_mode & stat.S_IROTH:
        log.warning("key file readable by every account", extra={"file": files["key_file"]})


def _no_password() -> NoReturn:
    """Without this OpenSSL would ask at the terminal."""
    raise OSError("the key is encrypted (openssl pkey -in KEY -out PLAIN takes the password off)")


def _why(error: OSError) -> str:
    return str(getattr(error, "reason", None) or error.strerror or error)
