"""The call that says whether a request is signed: to API Gateway as an authoriser, to a proxy as 200 or 403.

| environment name | default | meaning |
|---|---|---|
| `LOGFERRY_AUTH_KEYS` | | secret references of the senders' keys, separated by commas |
| `LOGFERRY_AUTH_LEEWAY` | `0s` | how far the clocks may differ |
| `LOGFERRY_AUTH_LONGEST` | | how far ahead an expiry may lie: the sender's ExpiredTime; not checked unless set |
| `LOGFERRY_AUTH_PATH` | | the path that is signed, if it is not the request's |
| `LOGFERRY_AUTH_URI_HEADER` | | the header in which a proxy tells the original URI, such as `X-Original-URI` |

Without `LOGFERRY_AUTH_URI_HEADER` such a header is not looked at: anybody could send one. With it the request's own URI
is not looked at. A verdict has no detail; why it was no stands in the log, without the signature.
"""

import logging
import time
from collections.abc import Callable, Mapping

import msgspec

from logferry import config, signing
from logferry.config import Duration, SecretRef
from logferry.errors import LogferryError, Misconfigured
from logferry.runtime import Call, web
from logferry.vault import Secret, Vault

__all__ = ["Verifier", "verify_request"]

log = logging.getLogger(__name__)

_NAMES = {
    "keys": "LOGFERRY_AUTH_KEYS", "leeway": "LOGFERRY_AUTH_LEEWAY", "longest": "LOGFERRY_AUTH_LONGEST",
    "path": "LOGFERRY_AUTH_PATH", "uri_header": "LOGFERRY_AUTH_URI_HEADER",
}  # fmt: skip


class Settings(config.Config, frozen=True, kw_only=True):
    """What the environment says."""

    keys: tuple[SecretRef, ...]
    leeway: Duration = "0s"
    longest: Duration | None = None
    path: str | None = None
    uri_header: str | None = None


class Verifier:
    """A verdict on each request, by one environment."""

    def __init__(self, vault: Vault, clock: Callable[[], float] = time.time) -> None:
        """ConfigError that names what is wrong with the vault's environment."""
        self._settings, self._vault, self._clock = _settings(vault.environ), vault, clock

    def is_signed(self, request: web.Request) -> bool:
        """Whether one of the keys made the signature. Raises Misconfigured when no key can be read."""
        target = request.target
        if self._settings.uri_header:
            target = request.headers.get(self._settings.uri_header.lower(), "")
        longest = self._settings.longest
        verdict = signing.verify(
            target, self._keys(), now=self._clock(), leeway=config.seconds(self._settings.leeway),
            longest=None if longest is None else config.seconds(longest), path=self._settings.path,
        )  # fmt: skip
        if not verdict.ok:
            path = target.partition("?")[0]
            log.warning(
                "request refused", extra={"path": path[:200], "address": request.address, "reason": verdict.reason}
            )
        return verdict.ok

    def _keys(self) -> list[Secret]:
        """Those that can be read: one that is missing must not shut out who signs with the other."""
        found, trouble = list[Secret](), ""
        for reference in self._settings.keys:
            try:
                found.append(signing.private_key(reference, self._vault))
            except LogferryError as error:
                trouble = str(error)
                log.error("key of a sender missing", extra={"reason": trouble})  # noqa: TRY400  # its place says nothing
        if not found:
            raise Misconfigured(trouble)
        return found


def verify_request(call: Call) -> Mapping[str, object] | web.Response:
    """`{"isAuthorized": …}` to API Gateway; 200, or 403 without a body, to a proxy. Raises what is misconfigured."""
    signed = Verifier(_vault(call.environ)).is_signed(web.read(call.event))
    if web.is_authoriser(call.event):
        return {"isAuthorized": signed}
    return web.Response(200 if signed else 403)


def _vault(environ: Mapping[str, str]) -> Vault:
    """The instance's own, with this invocation's environment: keys from a store are not asked for at each request."""
    _ENVIRON.clear()
    _ENVIRON.update(environ)
    return _VAULT


_ENVIRON: dict[str, str] = {}
_VAULT = Vault(_ENVIRON)


def _settings(environ: Mapping[str, str]) -> Settings:
    given: dict[str, object] = {key: environ[name] for key, name in _NAMES.items() if environ.get(name)}
    keys = str(given.get("keys", ""))
    given["keys"] = [key.strip() for key in keys.split(",") if key.strip()]
    if not given["keys"]:
        raise Misconfigured(f"{_NAMES['keys']}: is not set, expected secret references, separated by commas")
    return config.load(Settings, msgspec.to_builtins(given), subject="environment")
