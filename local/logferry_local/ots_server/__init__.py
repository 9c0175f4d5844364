"""A small server that speaks Tablestore's protocol, for tests and trials: rows, conditions, ranges, signatures.

The vendor's Python SDK (version 6.4) works against it unmodified. It was not run beside the service: what the service
does where its documentation is silent is a guess here. Not there: indexes, search, SQL, streams, transactions, batches.
"""

from logferry_local.ots_server.application import app
from logferry_local.ots_server.store import Store

__all__ = ["Store", "app"]
