"""`secret://env/NAME`: an environment variable. One that holds a reference stands for what that refers to."""

from collections.abc import Mapping

__all__ = ["KEPT", "read"]

KEPT = 0.0


def read(rest: str, environ: Mapping[str, str]) -> str:
    """The variable's value; an empty one counts as missing."""
    if not environ.get(rest):
        raise LookupError(f"environment variable {rest} is not set: set it where this runs")
    value = environ[rest]
    # Bytes that are no UTF-8 stand in the environment as lone surrogates.
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise LookupError(f"environment variable {rest} is not UTF-8 text")
    return value
