"""Custom fields: request headers, response headers and cookies that an access log carries in one field of its own.

Limits: 100 names of each kind, letters, digits, `_`, `-` and inner blanks, at most 128 long.
"""

from typing import Annotated, Any, Literal

import msgspec

from logferry.config import Config

__all__ = ["KINDS", "CustomFields"]

KINDS = {"request_headers": "RequestHeaders", "response_headers": "ResponseHeaders", "cookies": "Cookies"}
"""Option -> how the kind is called in what comes out."""

# ESA's interface says letters, digits, underscore and blank, and shows an example with hyphens: most headers have one.
_Name = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9_-]([A-Za-z0-9_ -]*[A-Za-z0-9_-])?$(?!\n)",
        max_length=128,
        description="a name of letters, digits, _, - and inner blanks, at most 128 long",
    ),
]
_Names = Annotated[tuple[_Name, ...], msgspec.Meta(max_length=100, description="a list of at most 100 names")]


class CustomFields(Config, frozen=True):
    """Which of them are wanted, and in which shape."""

    request_headers: _Names = ()
    response_headers: _Names = ()
    cookies: _Names = ()
    shape: Literal["nested", "flat"] = "nested"

    @classmethod
    def field_problems(cls, name: str, value: Any) -> list[str]:  # noqa: ANN401  # of the field's type
        """No name twice; of headers in no other case either."""
        if name not in KINDS:
            return []
        names = [each if name == "cookies" else each.lower() for each in value]
        return [f"{name}: {each!r} stands more than once" for each in sorted(set(names)) if names.count(each) > 1]

    def problems(self) -> list[str]:
        """At least one name."""
        if any(getattr(self, kind) for kind in KINDS):
            return []
        return [f"{next(iter(KINDS))}: is missing, expected names here or in {' or '.join(list(KINDS)[1:])}"]
