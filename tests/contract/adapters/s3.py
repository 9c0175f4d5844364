"""s3 for the contract suite: a bucket service that verifies signatures, scripted servers for the rest."""

from contextlib import AbstractContextManager
from pathlib import Path

from tests.contract import bucket_rows
from tests.contract.adapter import Row

SECRET, PLACES = bucket_rows.SECRET, bucket_rows.PLACES
MINIMAL: dict[str, object] = {**bucket_rows.KEYS, "region": "eu-west-1", "endpoint": "http://127.0.0.1:1"}


def peer(_folder: Path) -> AbstractContextManager[object]:
    """The service."""
    return bucket_rows.peer(MINIMAL)


def rows() -> list[Row]:
    """One row for each behaviour."""
    return bucket_rows.rows(MINIMAL)
