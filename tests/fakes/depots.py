"""The three destinations over buckets, built as a task has them, and a payload for them."""

from collections.abc import Mapping

from logferry import registry
from logferry.buckets.depot import Depot
from logferry.config import load
from logferry.destinations import Surroundings
from logferry.model import Origin, Payload
from logferry.vault import Vault

__all__ = ["ENVIRON", "REGIONS", "depot", "payload"]

ENVIRON = {"ID": "AKIAUNIT", "KEY": "unit-secret", "TOKEN": "unit-token"}
KEYS = {"access_key_id": "secret://env/ID", "secret_access_key": "secret://env/KEY"}
REGIONS = {"s3": {"region": "eu-west-1"}, "oss": {"region": "cn-hangzhou"}, "s3_compatible": {"addressing": "path"}}


def depot(kind: str, endpoint: str, environ: Mapping[str, str] | Vault | None = None, **options: object) -> Depot:
    """The destination of that kind; options that are None are left out."""
    module = registry.find("destinations", kind)
    given = {"bucket": "waf-logs", "path": "logs", "endpoint": endpoint, **KEYS, **REGIONS[kind], **options}
    config = load(module.Config, {name: value for name, value in given.items() if value is not None})
    made = module.build(
        config, Surroundings("unit", environ if isinstance(environ, Vault) else Vault(environ or ENVIRON))
    )
    assert isinstance(made, Depot)
    return made


def payload(text: bytes = b'{"a":1}\n{"a":2}\n', first: int = 3) -> Payload:
    """Two records of a batch."""
    return Payload(text.splitlines(), [first, first + 1], text, Origin("0", "MTc=", 1774426530))
