"""An embedded log store that speaks the Simple Log Service protocol: durable, signed, for one machine."""

from logferry_local.sls_server.application import app
from logferry_local.sls_server.running import process, serving
from logferry_local.sls_server.store import Store

__all__ = ["Store", "app", "process", "serving"]
