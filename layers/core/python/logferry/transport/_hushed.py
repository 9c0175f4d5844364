"""urllib3 logs each request's URL at debug level; a query may hold credentials or a signature, so it is left out."""

import logging

__all__ = ["hush"]


def hush() -> None:
    """From now on; again does no harm."""
    logging.getLogger("urllib3.connectionpool").addFilter(_without_query)


def _without_query(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(
            f"{item.partition('?')[0]}?***" if isinstance(item, str) and "?" in item else item for item in record.args
        )
    return True
