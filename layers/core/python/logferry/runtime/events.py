"""An event as it came (bytes, text or an object) -> a JSON mapping or list, verbatim.

Function Compute hands over bytes, Lambda an object. An empty event (a manual call without a payload) is `{}`.
Nothing inside is touched: a timer's `payload` stays the text that was configured.
"""

import json
from collections.abc import Mapping
from typing import NoReturn

from logferry.errors import ConfigError
from logferry.expectations import kind_of

__all__ = ["MAX_BYTES", "decode"]

MAX_BYTES = 32 * 1024 * 1024
_EXPECTED = "expected a JSON object or array in UTF-8"


def decode(event: object) -> object:
    """The event as a mapping or list; ConfigError that says what was expected, without quoting the event."""
    if event is None:
        return {}
    if isinstance(event, (bytes, bytearray, memoryview, str)):
        event = _parse(event if isinstance(event, str) else bytes(event))
    if not isinstance(event, (Mapping, list)):
        _refuse(f"{kind_of(event)}, {_EXPECTED}")
    return event


def _parse(text: str | bytes) -> object:
    if len(text) > MAX_BYTES:
        _refuse(f"{len(text)} bytes is more than {MAX_BYTES}")
    if not text.strip():
        return {}
    try:
        return json.loads(text, parse_constant=lambda name: _refuse(f"{name} is not JSON, {_EXPECTED}"))
    except json.JSONDecodeError as error:
        _refuse(f"not JSON ({error.msg} at line {error.lineno} column {error.colno}), {_EXPECTED}")
    except UnicodeDecodeError as error:
        _refuse(f"not UTF-8 (byte {error.start}), {_EXPECTED}")
    except RecursionError:
        _refuse(f"nested too deeply, {_EXPECTED}")
    except ValueError:  # an integer with thousands of digits
        _refuse(f"a number is out of range, {_EXPECTED}")


def _refuse(problem: str) -> NoReturn:
    raise ConfigError([problem], subject="event") from None
