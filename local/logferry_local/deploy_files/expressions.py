"""`${…}` in `s.yaml`: `vars.NAME`, `env('NAME')`, `env('NAME', 'default')`, `config('AccountID')`.

Locally there is no account: its id is 1000000000000000.
"""

import re
from collections.abc import Mapping

__all__ = ["expand"]

_EXPRESSION = re.compile(r"\$\{([^}]*)\}")
_ENV = re.compile(r"env\(\s*['\"]?(\w+)['\"]?\s*(?:,\s*['\"]?([^'\"]*)['\"]?\s*)?\)")
_ACCOUNT = re.compile(r"config\(\s*['\"]?AccountID['\"]?\s*\)")
_DEPTH = 5  # a variable may name another


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
        if expression.startswith("vars.") and expression[5:] in variables:
            return variables[expression[5:]]
        env = _ENV.fullmatch(expression)
        if env:
            return environ.get(env[1], env[2] or "")
        if _ACCOUNT.fullmatch(expression):
            return "1000000000000000"
        problems.append(
            f"{path}: ${{{expression}}} is not known; expected vars.NAME, env('NAME') or config('AccountID')"
        )
        return ""

    whole = _EXPRESSION.fullmatch(text)
    if whole:
        return value(whole[1].strip())  # a number stays a number
    return _EXPRESSION.sub(lambda match: str(value(match[1].strip())), text)
