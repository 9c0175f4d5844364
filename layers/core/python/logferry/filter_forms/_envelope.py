"""What a filter comes in: bare, in a task as ESA's API tells it, or in a job as Logpush's API tells it.

{"FilterVer": "v2", "RawRule": "{…}", "FilterRules": "[]", "DiscardRate": 0.1, …}
{"result": {"filter": "{…}", "output_options": {"sample_rate": 0.9}, …}}
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from logferry.errors import ConfigError
from logferry.expectations import show
from logferry.filter_forms import _json, _rate

__all__ = ["Opened", "opened"]


class Opened(NamedTuple):
    """The filter itself, and the share that is dropped, if that was said."""

    data: object
    discard: Decimal | None = None


def opened(data: object, subject: str) -> Opened:
    """What the document holds; ConfigError if its parts do not fit together."""
    if not isinstance(data, Mapping):
        return Opened(data)
    inner: object = data.get("result")
    data = inner if isinstance(inner, Mapping) else data
    if "FilterRules" in data or "RawRule" in data or "DiscardRate" in data:
        return _task(data, subject)
    if "filter" in data or "output_options" in data:
        return _job(data, subject)
    return Opened(data)


def _task(data: Mapping[str, object], subject: str) -> Opened:
    rate = data.get("DiscardRate")
    discard = None if rate is None else _rate.parse(rate, "DiscardRate", subject)
    rules = {key: _inner(data.get(key), subject) for key in ("FilterRules", "RawRule")}
    given = [key for key, inner in rules.items() if inner not in (None, [], {})]
    if len(given) > 1:
        version = data.get("FilterVer")
        if version not in ("v1", "v2"):
            problem = f"FilterVer: {show(version)} is not v1 or v2, and both FilterRules and RawRule hold a filter"
            raise ConfigError([problem], subject=subject)
        given = ["FilterRules" if version == "v1" else "RawRule"]
    return Opened(rules[given[0]] if given else [], discard)


def _job(data: Mapping[str, object], subject: str) -> Opened:
    options = data.get("output_options")
    rate = options.get("sample_rate") if isinstance(options, Mapping) else None
    inner = _inner(data.get("filter"), subject)
    return Opened({} if inner is None else inner, None if rate is None else 1 - _share(rate, subject))


def _share(rate: object, subject: str) -> Decimal:
    """Logpush's: above 0 and up to 1."""
    if rate == 1 and not isinstance(rate, bool):
        return Decimal(1)
    found = _rate.parse(rate, "output_options.sample_rate", subject)
    if not found:
        raise ConfigError(["output_options.sample_rate: 0 is not a share above 0 and up to 1"], subject=subject)
    return found


def _inner(value: object, subject: str) -> object:
    """JSON in a text, as both APIs have it."""
    return (_json.read(value, subject) if value.strip() else None) if isinstance(value, str) else value
