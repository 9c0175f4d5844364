"""WAF access logs into the log store, by our own client."""

import time
from collections.abc import Callable
from itertools import islice

from logferry.sls.client import Client
from logferry.sls.credentials import EnvironKeys
from logferry.sls.endpoint import Endpoint
from logferry.sls.logstore import Logstore
from logferry.sls.projects import create_logstore, create_project
from logferry.sls.write import encode_log_group
from logferry_local.demo.site import LOGSTORE, PROJECT, Site
from logferry_local.sample_logs import waf

__all__ = ["load", "open_logstore"]

_GROUP = 500  # logs of one PutLogs
_SHARDS = 2


class _Opened(Logstore, frozen=True):
    """A logstore that can be closed."""

    def close(self) -> None:
        """Let go of the connections."""
        self.client.close()


def open_logstore(site: Site) -> _Opened:
    """The demo's logstore, made."""
    client = Client(endpoint=Endpoint.parse(site.endpoint), project=PROJECT, keys=EnvironKeys(site.environ))
    create_project(client, "logferry demo")
    create_logstore(client, LOGSTORE, shards=_SHARDS)
    return _Opened(client, LOGSTORE)


def load(logstore: Logstore, records: int, seed: int, progress: Callable[[str, int, int], None]) -> set[str]:
    """The ids of the logs that were put. The last of them happened about now."""
    ids: set[str] = set()
    logs = waf.make(records, seed=seed, begin=int(time.time()) - records // 50 - 1)
    while some := list(islice(logs, _GROUP)):
        logstore.put_logs(encode_log_group(some, topic="waf_access_log", source="waf_access_log"))
        ids.update(log.fields[waf.ID_FIELD] for log in some)
        progress("loading logs", len(ids), records)
    return ids
