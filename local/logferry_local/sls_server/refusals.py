"""What the service says no with: HTTP status, error code and message.

Codes are those of the service's error pages (common error codes, and each operation's own).
"""

__all__ = [
    "Refusal", "group_missing", "index_missing", "invalid_cursor", "logstore_missing", "parameter", "project_missing",
    "shard_missing",
]  # fmt: skip


class Refusal(Exception):
    """An answer that is not 200; its body is `{"errorCode", "errorMessage"}`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message


def parameter(message: str) -> Refusal:
    """A parameter has a value that cannot be."""
    return Refusal(400, "ParameterInvalid", message)


def invalid_cursor(cursor: str) -> Refusal:
    """No cursor of this shard, or one that is older than what is kept."""
    return Refusal(400, "InvalidCursor", f"Cursor {cursor[:64]} is invalid.")


def project_missing(project: str) -> Refusal:
    """There is no such project."""
    return Refusal(404, "ProjectNotExist", f"The Project does not exist : {project[:64]}")


def logstore_missing(logstore: str) -> Refusal:
    """There is no such logstore."""
    return Refusal(404, "LogStoreNotExist", f"logstore {logstore[:64]} does not exist")


def shard_missing(shard: object) -> Refusal:
    """There is no such shard."""
    return Refusal(404, "ShardNotExist", f"shard {shard} does not exist")


def index_missing() -> Refusal:
    """The logstore has no index."""
    return Refusal(404, "IndexConfigNotExist", "index config doesn't exist")


def group_missing(group: str) -> Refusal:
    """There is no such consumer group."""
    return Refusal(404, "ConsumerGroupNotExist", f"consumer group {group[:64]} does not exist")
