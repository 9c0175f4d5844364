"""`secret://env/NAME`: an environment variable. One that holds a reference stands for what that refers to.

In a function the role's own temporary key is no task's: whoever may write a task could have it sent anywhere.
"""

from collections.abc import Mapping

__all__ = ["KEPT", "read"]

KEPT = 0.0
_ROLES = frozenset((
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN",
))  # fmt: skip
_FUNCTIONS = ("AWS_LAMBDA_FUNCTION_NAME", "FC_FUNCTION_NAME")


def read(rest: str, environ: Mapping[str, str]) -> str:
    """The variable's value; an empty one counts as missing."""
    if rest in _ROLES and any(name in environ for name in _FUNCTIONS):
        raise LookupError(f"{rest} is part of the function's own key: put the key that is meant under another name")
    if not environ.get(rest):
        raise LookupError(f"environment variable {rest} is not set: set it where this runs")
    value = environ[rest]
    # Bytes that are no UTF-8 stand in the environment as lone surrogates.
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise LookupError(f"environment variable {rest} is not UTF-8 text")
    return value
