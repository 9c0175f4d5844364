"""The protocol's messages, as the vendor's SDK has them generated."""

import logging
import warnings
from typing import Any

__all__ = ["filters", "messages"]

with warnings.catch_warnings():  # the SDK warns, both ways, where its C extension does not fit
    warnings.simplefilter("ignore")
    logging.getLogger("tablestore").setLevel(logging.CRITICAL + 1)
    from tablestore.protobuf import table_store_filter_pb2, table_store_pb2

messages: Any = table_store_pb2
filters: Any = table_store_filter_pb2
