"""Whom a request's TLS trusts: those of `ca_file`, else Mozilla's list as `certifi` carries it, or nobody is asked.

The list of the system is not read: what a cloud's runtime brings differs by platform and age.
"""

import ssl
import threading
from pathlib import Path

__all__ = ["Authorities"]


class Authorities:
    """Makes the context of all connections once (some 10 ms), and again when `ca_file` was renewed."""

    def __init__(self, verify: bool, ca_file: str | None) -> None:  # noqa: FBT001  # the option's value
        self._verify, self._ca_file = verify, ca_file
        self._lock = threading.Lock()
        self._made: tuple[int, ssl.SSLContext] | None = None

    def context(self) -> ssl.SSLContext:
        """OSError for a file that is unreadable or holds no certificate."""
        stamp = Path(self._ca_file).stat().st_mtime_ns if self._ca_file else 0
        with self._lock:
            if self._made is None or self._made[0] != stamp:
                self._made = stamp, self._make()
            return self._made[1]

    def _make(self) -> ssl.SSLContext:
        if self._verify:
            context = ssl.create_default_context(cafile=self._ca_file or _bundle())
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        return context


def _bundle() -> str:
    """Where certifi's list lies: found without its code, which would load `importlib.resources`."""
    import importlib.util  # for the first connection with TLS only

    spec = importlib.util.find_spec("certifi")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(folder) / "cacert.pem").is_file():
            return str(Path(folder) / "cacert.pem")
    import certifi

    return certifi.where()
