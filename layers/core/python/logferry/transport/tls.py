"""Client side of TLS: 1.2 or later, certificate and host name verified unless told otherwise (RFC 5425, RFC 9662)."""

import contextlib
import ssl
from pathlib import Path
from typing import NamedTuple, NoReturn

from logferry.errors import Misconfigured

__all__ = ["Trust", "client_context", "is_refusal"]

# OpenSSL's names of what only a person can put right. A reset in the middle of a handshake is not among them.
_REFUSALS = (
    "ACCESS_DENIED", "BAD_CERTIFICATE", "CERTIFICATE", "DECRYPT_ERROR", "HANDSHAKE_FAILURE", "HTTP_REQUEST",
    "PROTOCOL_VERSION", "UNKNOWN_CA", "UNRECOGNIZED_NAME", "UNSUPPORTED_PROTOCOL", "WRONG_VERSION_NUMBER",
)  # fmt: skip


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
        try:
            context.load_cert_chain(trust.cert_file, trust.key_file, password=_no_password)
        except (OSError, ssl.SSLError) as error:
            raise Misconfigured(
                f"cert_file {trust.cert_file}, key_file {trust.key_file}: {_why(error)}; "
                "PEM files of a certificate and its unencrypted key are needed"
            ) from error
    return context


def is_refusal(error: OSError) -> bool:
    """Whether a TLS error names certificates, names or versions: trying again would change nothing."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return True
    reason = getattr(error, "reason", None) if isinstance(error, ssl.SSLError) else None
    return bool(reason) and any(name in str(reason) for name in _REFUSALS)


def _no_password() -> NoReturn:
    """Without this OpenSSL would ask at the terminal."""
    raise OSError("the key is encrypted")


def _why(error: OSError) -> str:
    return str(getattr(error, "reason", None) or error.strerror or error)
