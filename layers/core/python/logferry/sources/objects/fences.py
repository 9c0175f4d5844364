"""What a task's bucket may not be: an endpoint that no task may reach, or what the kernel tells of the process.

The SDK of S3 opens its own connections, so its endpoint is judged right before: a name that resolves otherwise within
that moment is not seen. The cloud's own endpoints (no `endpoint` in the URL) are not judged.
"""

import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from logferry import registry
from logferry.errors import Misconfigured, Transient
from logferry.transport.dial import find_addresses
from logferry.transport.reach import Reach

__all__ = ["judge"]

_KERNEL = ("proc", "sys", "dev")
_PORTS = {"http": 80, "https": 443}


def judge(url: str, environ: Mapping[str, str]) -> None:
    """Misconfigured if that bucket is not to be read from."""
    place = registry.locate("objects", url)
    endpoint = place.options.get("endpoint")
    if endpoint:
        _judge_endpoint(endpoint, place.location.partition("/")[0], Reach.of(environ).of_vendor())
    elif hasattr(place.module, "folder_of"):
        parts = Path(place.module.folder_of(place.location)).resolve().parts
        if parts[1:2] and parts[1] in _KERNEL:
            raise Misconfigured(f"bucket: no logs are read from /{', /'.join(_KERNEL)}")


def _judge_endpoint(endpoint: str, bucket: str, reach: Reach) -> None:
    """The host itself, and with the bucket before it: the SDK connects to one of them."""
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443)
    except ValueError:
        raise Misconfigured("bucket: the endpoint is no URL, expected https://HOST or http://HOST:PORT") from None
    for name in (host, f"{bucket}.{host}"):
        try:
            find_addresses(name, port, socket.SOCK_STREAM, reach)
        except Transient:  # the SDK says so, if it is the one that it asks for
            continue
