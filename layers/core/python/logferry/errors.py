"""The error tree is the retry policy: the class says what happens next, nobody reads status codes.

    LogferryError
    ├── DeliveryError            what a destination answers; `in_doubt` if it may have taken the payload all the same
    │   ├── Transient            try the same payload again, after `retry_after` seconds if given
    │   ├── Permanent            this payload never passes: bisect, park the culprit
    │   ├── Refused              some parts never pass, some were taken: park those, count these, resend the rest
    │   ├── TooLarge             split; a single part that is too large is parked
    │   └── Misconfigured        the task cannot work: hold it, keep the data at the source
    ├── ConfigError              everything wrong with one document, each with its path
    ├── SourceError              the source could not be read
    │   ├── Expired              the position is older than the source's retention
    │   └── Missing              the source itself (project, logstore, shard) is not there
    ├── StateError               a table or object store could not be read or written
    │   └── Conflict             somebody else wrote the row first
    └── Unfinished               the range is still open: the caller (trigger, sweep) must come again

Messages never hold a secret; they say what, which value, what was expected. A message is one line of plain text: what a
far side, a file or a caller put into it can neither begin a line of a log nor move a terminal's cursor.
"""

from collections.abc import Collection, Mapping, Sequence

# Control letters of both sets, separators of lines, marks that turn the direction of writing, halves of pairs.
_UNFIT = dict.fromkeys(
    (
        *range(32),
        *range(127, 160),
        0x2028,
        0x2029,
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
    ),
    " ",
)


def _plain(message: str) -> str:
    return message if message.isprintable() else message.translate(_UNFIT)


class LogferryError(Exception):
    """Everything this library raises on purpose."""

    def __init__(self, message: str = "") -> None:
        super().__init__(_plain(message))


class DeliveryError(LogferryError):
    """A destination did not take a payload, or (`in_doubt`) may have taken it, or a part of it, all the same."""

    def __init__(self, message: str, *, in_doubt: bool = False) -> None:
        super().__init__(message)
        self.in_doubt = in_doubt


class Transient(DeliveryError):
    """Worth trying again; `retry_after` (seconds) is the destination's own wish."""

    def __init__(self, message: str, *, retry_after: float | None = None, in_doubt: bool = False) -> None:
        super().__init__(message, in_doubt=in_doubt)
        self.retry_after = retry_after


class Permanent(DeliveryError):
    """Never taken, whatever the time: the payload (or the one record being encoded) is at fault."""


class Refused(DeliveryError):
    """The destination judged parts one by one.

    `refused` maps a part's index in the payload to the reason; `delivered` are the indexes that were taken.
    An index in neither is sent again.
    """

    def __init__(self, message: str, *, refused: Mapping[int, str], delivered: Collection[int] = ()) -> None:
        super().__init__(message)
        self.refused = {index: _plain(reason) for index, reason in refused.items()}
        self.delivered = frozenset(delivered)


class TooLarge(DeliveryError):
    """Over the destination's size limit: send it in two halves."""


class Misconfigured(DeliveryError):
    """Credentials, index, topic, host name: a person must act; nothing is parked and nothing is lost."""


class ConfigError(LogferryError):
    """One document's mistakes, all of them: `problems` are lines of `path: what, value, expected`."""

    def __init__(self, problems: Sequence[str], *, subject: str = "configuration") -> None:
        super().__init__(f"{subject}: " + "; ".join(problems))
        self.problems = [_plain(problem) for problem in problems]
        self.subject = subject


class SourceError(LogferryError):
    """The source could not be read; `retry_after` (seconds) is its own wish, `transient` whether to try again."""

    def __init__(self, message: str, *, transient: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.transient = transient
        self.retry_after = retry_after


class Expired(SourceError):
    """The position is no longer readable at the source: the part that is gone becomes a gap."""


class Missing(SourceError):
    """Project, logstore or shard do not exist."""


class StateError(LogferryError):
    """A state table or object store did not answer as it must; worth trying again."""


class Conflict(StateError):
    """The row was not at the expected version. `version` is the one this write would have made: if a
    re-read finds it, the write had succeeded after all (an answer was lost), else somebody else owns the row."""

    def __init__(self, message: str, *, version: str) -> None:
        super().__init__(message)
        self.version = version


class Unfinished(LogferryError):
    """Work is left and the position says where; raising makes the platform call again."""


def told(error: Exception) -> str:
    """What a row or an answer says of an error. Of a foreign one only the class: its text may hold anything."""
    if isinstance(error, LogferryError):
        return f"{type(error).__name__}: {error}"
    return f"{type(error).__name__}, a mistake in logferry: the log names the place"


def is_passing(error: BaseException) -> bool:
    """Whether it may pass by itself; if not, a person must act. A mistake of ours does not pass."""
    return isinstance(error, Transient | StateError | Unfinished) or (
        isinstance(error, SourceError) and error.transient
    )
