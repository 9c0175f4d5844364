"""What a filter comes in: bare, in a task as ESA's API tells it, or in a job as Logpush's API tells it.

{"FilterVer": "v2", "RawRule": "{…}", "FilterRules": "[]", "DiscardRate": 0.1, "FieldName": "ClientIP,…", …}
{"result": {"filter": "{…}", "output_options": {"sample_rate": 0.9, "field_names": ["ClientIP", …]}, …}}
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from logferry import categories
from logferry.categories import Category
from logferry.errors import ConfigError
from logferry.expectations import show
from logferry.filter_forms import _json, _rate

__all__ = ["Opened", "opened"]


_ESA = ("FilterRules", "RawRule", "DiscardRate", "FieldName", "BusinessType")


class Opened(NamedTuple):
    """The filter itself, and what else was said."""

    data: object
    discard: Decimal | None = None  # the share that is dropped
    fields: tuple[str, ...] | None = None
    category: Category | None = None


def opened(data: object, subject: str) -> Opened:
    """What the document holds; ConfigError if its parts do not fit together."""
    if not isinstance(data, Mapping):
        return Opened(data)
    inner: object = data.get("result")
    data = inner if isinstance(inner, Mapping) else data
    if any(key in data for key in _ESA):
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
    names = data.get("FieldName")
    listed = _names(names.split(",") if isinstance(names, str) and names else names, "FieldName", subject)
    return Opened(rules[given[0]] if given else [], discard, listed, _category(data.get("BusinessType"), subject))


def _job(data: Mapping[str, object], subject: str) -> Opened:
    found = data.get("output_options")
    options = found if isinstance(found, Mapping) else {}
    rate, inner = options.get("sample_rate"), _inner(data.get("filter"), subject)
    listed = _names(options.get("field_names"), "output_options.field_names", subject)
    return Opened({} if inner is None else inner, None if rate is None else 1 - _share(rate, subject), listed)


def _share(rate: object, subject: str) -> Decimal:
    """Logpush's: above 0 and up to 1."""
    if rate == 1 and not isinstance(rate, bool):
        return Decimal(1)
    found = _rate.parse(rate, "output_options.sample_rate", subject)
    if not found:
        raise ConfigError(["output_options.sample_rate: 0 is not a share above 0 and up to 1"], subject=subject)
    return found


def _names(value: object, path: str, subject: str) -> tuple[str, ...] | None:
    """Fields in their order, each once; none named means all."""
    if value in (None, "", []):
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) and name.strip() for name in value):
        raise ConfigError([f"{path}: {show(value)} is not a list of names of fields"], subject=subject)
    return tuple(dict.fromkeys(name.strip() for name in value))


def _category(business_type: object, subject: str) -> Category | None:
    if business_type in (None, ""):
        return None
    known = {found.business_type: found for found in map(categories.find, categories.names()) if found.business_type}
    if not isinstance(business_type, str) or business_type not in known:
        problem = f"BusinessType: {show(business_type)} is not one of {', '.join(sorted(map(str, known)))}"
        raise ConfigError([problem], subject=subject)
    return known[business_type]


def _inner(value: object, subject: str) -> object:
    """JSON in a text, as both APIs have it."""
    return (_json.read(value, subject) if value.strip() else None) if isinstance(value, str) else value
