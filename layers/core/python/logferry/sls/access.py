"""Options that whoever reads a logstore and whoever writes one have in common: which logstore, by which key."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import msgspec

from logferry import config
from logferry.config import Duration, SecretRef
from logferry.errors import ConfigError
from logferry.sls.client import Client
from logferry.sls.credentials import EnvironKeys, Keys, VaultKeys
from logferry.sls.endpoint import Endpoint
from logferry.sls.logstore import Compression, Logstore
from logferry.transport.web import Web
from logferry.vault import Vault

__all__ = ["Access", "Address", "Region", "opened"]

Address = Annotated[str, msgspec.Meta(min_length=1, description="a URL such as https://cn-hangzhou.log.aliyuncs.com")]
Region = Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{2,40}$", description="a region such as cn-hangzhou")]
Project = Annotated[
    str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", description="a project name (3-63 of a-z, 0-9, -)")
]
Name = Annotated[
    str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{2,128}$", description="a logstore name (letters, digits, _ and -)")
]


class Access(config.Config, frozen=True, kw_only=True):
    """A logstore, and a key to it. Where the service is (`endpoint`, `region`) is each side's own to ask for."""

    project: Project
    logstore: Name
    auth: Literal["v1", "v4"] = "v1"
    region: Region | None = None
    access_key_id: SecretRef | None = None
    access_key_secret: SecretRef | None = None
    security_token: SecretRef | None = None
    ca_file: str | None = None
    compression: Compression = "lz4"
    time_out: Duration = "60s"

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """The endpoint's form."""
        try:
            if name == "endpoint" and value is not None:
                Endpoint.parse(value)
        except ConfigError as error:
            return error.problems
        return []

    def problems(self) -> list[str]:
        """What needs more than one option."""
        found = []
        if (self.access_key_id is None) != (self.access_key_secret is None):
            found.append(
                "access_key_id: expected with access_key_secret, or neither (then the environment's key is used)"
            )
        if self.security_token is not None and self.access_key_id is None:
            found.append("security_token: expected with access_key_id and access_key_secret")
        if config.seconds(self.time_out) <= 0:
            found.append(f"time_out: {self.time_out} is not more than 0s")
        return found

    def keys(self, vault: Vault, environ: Mapping[str, str]) -> Keys:
        """The key of the options if they name one, else the environment's, each as it is at each request."""
        if self.access_key_id and self.access_key_secret:
            return VaultKeys(vault, self.access_key_id, self.access_key_secret, self.security_token)
        return EnvironKeys(environ, vault)


def opened(options: Access, endpoint: Endpoint, keys: Keys, web: Web, clock: Callable[[], float]) -> Logstore:
    """The logstore; it is connected to at the first request."""
    client = Client(
        endpoint=endpoint,
        project=options.project,
        keys=keys,
        region=(options.region or "") if options.auth == "v4" else "",
        time_out=config.seconds(options.time_out),
        clock=clock,
        web=web,
    )
    return Logstore(client, options.logstore, options.compression)
