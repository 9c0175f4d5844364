"""An access key, found in the environment: our own names first, then the ones both clouds' runtimes set.

`SLS_AK_ID`, `SLS_AK_KEY`, `SLS_STS_TOKEN`; else `ALIBABA_CLOUD_ACCESS_KEY_ID`, `…_ACCESS_KEY_SECRET`,
`ALIBABA_CLOUD_SECURITY_TOKEN`. Temporary keys change between invocations: read them for each one.
"""

from collections.abc import Mapping
from typing import NamedTuple

from logferry.errors import Misconfigured
from logferry.vault import Secret

__all__ = ["Credentials", "from_environ"]

_NAMES = (
    ("SLS_AK_ID", "SLS_AK_KEY", "SLS_STS_TOKEN"),
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"),
)


class Credentials(NamedTuple):
    """One access key, with its token when it is temporary."""

    access_key_id: str
    access_key_secret: Secret
    security_token: Secret | None = None


def from_environ(environ: Mapping[str, str]) -> Credentials:
    """The first complete key; Misconfigured (naming the variables) if there is none."""
    for key_id, secret, token in _NAMES:
        if environ.get(key_id) and environ.get(secret):
            return Credentials(
                environ[key_id], Secret(environ[secret]), Secret(environ[token]) if environ.get(token) else None
            )
    raise Misconfigured("no access key: set SLS_AK_ID and SLS_AK_KEY (or give the function a role)")
