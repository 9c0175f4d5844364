"""What the server says no with: HTTP status, error code and message, as in the service's list of error codes."""

__all__ = ["Refusal", "key_invalid", "parameter"]


class Refusal(Exception):
    """An answer that is not 200; its body is the protocol's `Error`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message


def parameter(message: str) -> Refusal:
    """Something in the request cannot be."""
    return Refusal(400, "OTSParameterInvalid", message)


def key_invalid(message: str) -> Refusal:
    """A primary key that is not the table's."""
    return Refusal(400, "OTSInvalidPK", message)
