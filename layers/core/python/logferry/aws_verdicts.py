"""What an AWS service's error code means: worth trying again, or for a person, and what to do."""

from logferry.errors import LogferryError, Misconfigured, StateError

__all__ = ["verdict"]

_PASSING = frozenset(
    (
        *("ThrottlingException", "Throttling", "ThrottledException", "RequestThrottled", "RequestThrottledException"),
        *("ProvisionedThroughputExceededException", "RequestLimitExceeded", "BandwidthLimitExceeded", "SlowDown"),
        *("TransactionConflictException", "TransactionInProgressException", "LimitExceededException"),
        *("ItemCollectionSizeLimitExceededException", "ReplicatedWriteConflictException", "OperationAborted"),
        *(
            "RequestTimeout",
            "RequestTimeoutException",
            "InternalServerError",
            "InternalError",
            "PriorRequestNotComplete",
        ),
        *("BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch", "ResourceInUseException"),
    )
)
_ADVICE = {
    "NoSuchBucket": "make the bucket or correct its name",
    "ResourceNotFoundException": "make the table or correct its name and region",
    "PermanentRedirect": "the bucket is in another region: set region",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set region",
    "SecondLevelDomainForbidden": "this service wants the bucket in the host name: set style=virtual",
    "RequestTimeTooSkewed": "set this machine's clock",
    "ExpiredToken": "renew the credentials",
    "ExpiredTokenException": "renew the credentials",
    "ValidationException": "the table needs a partition key `partition` and a sort key `sort`, both strings",
}


def verdict(who: str, status: int, code: str) -> LogferryError:
    """The error. Its message carries the code, but not the service's text, which can quote a signed request."""
    message = f"{who} answered {status} {code}"
    if status >= 500 or status == 429 or code in _PASSING:
        return StateError(message)
    advice = _ADVICE.get(code)
    if advice is None:
        advice = "check the credentials and their permissions" if status in (401, 403) else "check the settings"
    return Misconfigured(f"{message}: {advice}")
