"""Custom fields: request headers, response headers and cookies that an access log carries in one field of its own.

That field is `CustomFields` (in older logs `CustomField`), an object or text that holds one in JSON, with an object for
each kind or with the names side by side; the vendor's documents do not say which. What is none of these stays as it is.
Limits: 100 names of each kind, letters, digits, `_`, `-` and inner blanks, at most 128 long.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import msgspec
import orjson

from logferry.config import Config
from logferry.model import Value
from logferry.values import is_missing

__all__ = ["INPUTS", "KINDS", "OUTPUT", "CustomFields", "flat_names", "taken_out"]

KINDS = {"request_headers": "RequestHeaders", "response_headers": "ResponseHeaders", "cookies": "Cookies"}
"""Option -> how the kind is called in what comes out."""
OUTPUT = "CustomFields"
INPUTS = (OUTPUT, "CustomField")
_SPELLINGS = {
    **dict.fromkeys(("requestheaders", "requestheader", "reqheaders", "reqheader"), "RequestHeaders"),
    **dict.fromkeys(("responseheaders", "responseheader", "rspheaders", "rspheader", "respheaders", "respheader"),
                    "ResponseHeaders"),
    **dict.fromkeys(("cookies", "cookie"), "Cookies"),
}  # fmt: skip
_JOINTS = str.maketrans("", "", "-_ .")

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

    def wanted(self) -> dict[str, dict[str, None]]:
        """Kind -> its names, as they come out: headers in lower case."""
        lists = {title: getattr(self, option) for option, title in KINDS.items()}
        return {
            title: dict.fromkeys(names if title == "Cookies" else map(str.lower, names))
            for title, names in lists.items()
            if names
        }


def flat_names(options: CustomFields) -> tuple[str, ...]:
    """What the fields are called that come out one by one."""
    return tuple(f"{kind}.{name}" for kind, names in options.wanted().items() for name in names)


def taken_out(options: CustomFields, unread: str | None = None) -> Callable[[dict[str, Value]], dict[str, Value]]:
    """A step that puts the wanted names where the field was: as one object, or one field each.

    A field that cannot be read stays as it is, or becomes `unread`.
    """
    wanted, is_flat = options.wanted(), options.shape == "flat"

    def step(fields: dict[str, Value]) -> dict[str, Value]:
        place = next((name for name in INPUTS if name in fields and not is_missing(fields[name])), None)
        data = None if place is None else _object(fields[place])
        if data is None:
            if place is not None and unread is not None:
                fields.update((name, unread) for name in INPUTS if not is_missing(fields.get(name)))
            return fields
        found = _found(data, wanted)
        made: dict[str, Value] = {}
        for name, value in fields.items():
            if name not in INPUTS:
                made[name] = value
            elif name == place and is_flat:
                made.update({f"{kind}.{key}": each for kind, inner in found.items() for key, each in inner.items()})
            elif name == place and found:
                made[OUTPUT] = {**found}
        return made

    return step


def _found(data: Mapping[str, Value], wanted: Mapping[str, Mapping[str, None]]) -> dict[str, dict[str, Value]]:
    """Kind -> name -> value, in the order of the task; a name that stands more than once has a list of its values."""
    found: dict[str, dict[str, list[Value]]] = {kind: {} for kind in wanted}
    for key, value in data.items():
        kind = _SPELLINGS.get(key.translate(_JOINTS).lower(), "")
        inner = _object(value) if kind else None
        if inner is None:
            _put(found, wanted, key, value)
        elif kind in wanted:
            for name, each in inner.items():
                _put(found, {kind: wanted[kind]}, name, each)
    return {
        kind: {name: _one(found[kind][name]) for name in names if name in found[kind]}
        for kind, names in wanted.items()
        if found[kind]
    }


def _put(
    found: Mapping[str, dict[str, list[Value]]], wanted: Mapping[str, Mapping[str, None]], name: str, value: Value
) -> None:
    """Under the first kind that wants the name: without kinds, one cannot know whose it is."""
    for kind, names in wanted.items():
        key = name if kind == "Cookies" else name.lower()
        if key in names:
            found[kind].setdefault(key, []).append(value)
            return


def _one(values: list[Value]) -> Value:
    if len(values) == 1:
        return values[0]
    return [each for value in values for each in (value if isinstance(value, list) else [value])]


def _object(value: Value) -> Mapping[str, Value] | None:
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except ValueError:  # a text of half surrogates too
            return None
    return value if isinstance(value, dict) else None
