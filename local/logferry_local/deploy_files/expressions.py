"""`${…}` in `s.yaml`: `vars.NAME`, `env('NAME')`, `env('NAME', 'default')`, `config('AccountID')`.

Locally there is no account: its id is 1000000000000000.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["ACCOUNT", "EXPECTED", "EXPRESSION", "Meaning", "expand", "meaning"]

ACCOUNT = "1000000000000000"
EXPRESSION = re.compile(r"\$\{([^}]*)\}")
EXPECTED = "vars.NAME, env('NAME') or config('AccountID')"
_ENV = re.compile(r"env\(\s*['\"]?(\w+)['\"]?\s*(?:,\s*['\"]?([^'\"]*)['\"]?\s*)?\)")
_ACCOUNT = re.compile(r"config\(\s*['\"]?AccountID['\"]?\s*\)")
_DEPTH = 5  # a variable may name another


class Meaning(NamedTuple):
    """What an expression asks for: `vars`, `env`, `account`, or `` for what is not known; with its name and default."""

    kind: str
    name: str = ""
    default: str = ""


def meaning(expression: str) -> Meaning:
    """The inside of `${…}` taken apart."""
    text = expression.strip()
    if text.startswith("vars."):
        return Meaning("vars", text[5:])
    env = _ENV.fullmatch(text)
    if env:
        return Meaning("env", env[1], env[2] or "")
    return Meaning("account") if _ACCOUNT.fullmatch(text) else Meaning("")


def expand(
    data: object, variables: Mapping[str, object], environ: Mapping[str, str], problems: list[str], path: str = ""
) -> object:
    """The document with every expression replaced; what cannot be is added to `problems`."""
    if isinstance(data, Mapping):
        return {
            key: expand(value, variables, environ, problems, f"{path}.{key}" if path else str(key))
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [expand(value, variables, environ, problems, f"{path}[{at}]") for at, value in enumerate(data)]
    found = data
    for _ in range(_DEPTH):
        if not isinstance(found, str) or "${" not in found:
            break
        found = _once(found, variables, environ, problems, path)
    return found


def _once(
    text: str, variables: Mapping[str, object], environ: Mapping[str, str], problems: list[str], path: str
) -> object:
    def value(expression: str) -> object:
        meant = meaning(expression)
        if meant.kind == "vars" and meant.name in variables:
            return variables[meant.name]
        if meant.kind == "env":
            return environ.get(meant.name, meant.default)
        if meant.kind == "account":
            return ACCOUNT
        problems.append(f"{path}: ${{{expression}}} is not known; expected {EXPECTED}")
        return ""

    whole = EXPRESSION.fullmatch(text)
    if whole:
        return value(whole[1].strip())  # a number stays a number
    return EXPRESSION.sub(lambda match: str(value(match[1].strip())), text)
