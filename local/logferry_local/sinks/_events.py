r"""CEF and LEEF events read strictly: what their guides do not allow is a ValueError that says what.

CEF: seven header parts with `\\` and `\|`, then `key=value` parted by blanks with `\\`, `\=`, `\n`, `\r` in values.
LEEF: four or five header parts and a delimiter, nothing escaped.
"""

import re

__all__ = ["parse"]

_CEF_PART = re.compile(r"((?:[^\\|\r\n]|\\[\\|])*)\|")
_CEF_KEY = re.compile(r"(?:^| )([A-Za-z0-9]+)=")
_CEF_VALUE = re.compile(r"(?:[^\\=\r\n]|\\[\\=nr])*")
_CEF_PARTS = ("version", "vendor", "product", "device_version", "event_class_id", "name", "severity")
_CEF_MOST = {"vendor": 63, "product": 63, "device_version": 31, "event_class_id": 1023, "name": 512}
_SEVERITY = re.compile(r"[0-9]|10|Unknown|Low|Medium|High|Very-High")
_LEEF_KEY = re.compile(r"[A-Za-z0-9_.-]+")
_LEEF_MARK = re.compile(r"0?x([0-9A-Fa-f]{2})")
_MEANT = {"\\n": "\n", "\\r": "\r"}


def parse(text: str) -> dict[str, object] | None:
    """The event's parts and its fields; None for a text that is no event."""
    if text.startswith("CEF:"):
        return _cef(text)
    return _leef(text) if text.startswith("LEEF:") else None


def _cef(text: str) -> dict[str, object]:
    at, parts = 4, []
    for name in _CEF_PARTS:
        found = _CEF_PART.match(text, at)
        if found is None:
            raise ValueError(f"CEF {name}: {text[at : at + 40]!r} is not a part ended by |")
        parts.append(_plain(found[1]))
        at = found.end()
    event = dict(zip(_CEF_PARTS, parts, strict=True))
    if event["version"] not in ("0", "1"):
        raise ValueError(f"CEF version: {event['version']!r} is not 0 or 1")
    if not _SEVERITY.fullmatch(event["severity"]):
        raise ValueError(f"CEF severity: {event['severity']!r} is not 0-10 or a word for it")
    long = [name for name, most in _CEF_MOST.items() if not 0 < len(event[name]) <= most]
    if long:
        raise ValueError(f"CEF {long[0]}: is empty or over {_CEF_MOST[long[0]]} characters")
    return {"kind": "cef", **event, "fields": _extension(text[at:])}


def _extension(text: str) -> dict[str, str]:
    keys = list(_CEF_KEY.finditer(text))
    if text and (not keys or keys[0].start()):
        raise ValueError(f"CEF extension: {text[:40]!r} does not begin with a key")
    fields: dict[str, str] = {}
    ends = [found.start() for found in keys[1:]] + [len(text)]
    for found, end in zip(keys, ends, strict=False):
        value = text[found.end() : end]
        if not _CEF_VALUE.fullmatch(value):
            raise ValueError(f"CEF {found[1]}: {value[:40]!r} has an escape or a sign that a value cannot have")
        if found[1] in fields:
            raise ValueError(f"CEF {found[1]}: stands twice")
        fields[found[1]] = _plain(value)
    return fields


def _leef(text: str) -> dict[str, object]:
    version = text[5:8]
    names = ("vendor", "product", "product_version", "event_id")
    parts = text[9:].split("|", 5 if version == "2.0" else 4)
    if version not in ("1.0", "2.0") or text[8:9] != "|" or len(parts) != (6 if version == "2.0" else 5):
        raise ValueError(f"LEEF header: {text[:60]!r} is not LEEF:1.0 or 2.0 with all its parts")
    mark = _LEEF_MARK.fullmatch(parts[4]) if version == "2.0" else None
    between = chr(int(mark[1], 16)) if mark else (parts[4] or "\t") if version == "2.0" else "\t"
    if len(between) != 1:
        raise ValueError(f"LEEF delimiter: {between!r} is not one character or x and two hexadecimal digits")
    fields: dict[str, str] = {}
    for pair in filter(None, parts[-1].split(between)):
        key, equals, value = pair.partition("=")
        if not equals or not _LEEF_KEY.fullmatch(key):
            raise ValueError(f"LEEF: {pair[:40]!r} is not a pair of key and value")
        if "\n" in value or "\r" in value:
            raise ValueError(f"LEEF {key}: holds a line break")
        if key in fields:
            raise ValueError(f"LEEF {key}: stands twice")
        fields[key] = value
    return {"kind": "leef", "version": version, **dict(zip(names, parts, strict=False)), "fields": fields}


def _plain(text: str) -> str:
    return re.sub(r"\\.", lambda found: _MEANT.get(found[0], found[0][1]), text)
