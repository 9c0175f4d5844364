"""Secrets in the tree, by detect-secrets: keys and tokens known by their form everywhere; in what is
shipped also values behind a telling name, and letters too random for words.

Tests, sample events, the benchmark and the fault matrix are full of invented secrets and of hashes, so there only
forms count. A value that is invented, or public, and looks real stands in `invented.txt` by its hash, with the reason:
no comment in a line switches the check off.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from detect_secrets.core import scan
from detect_secrets.settings import get_plugins, transient_settings

__all__ = ["findings", "invented"]

_HERE = Path(__file__).parent
_FORM_NAMES = (
    "AWSKeyDetector", "AzureStorageKeyDetector", "BasicAuthDetector", "DiscordBotTokenDetector", "GitHubTokenDetector",
    "GitLabTokenDetector", "JwtTokenDetector", "MailchimpDetector", "NpmDetector", "OpenAIDetector",
    "PrivateKeyDetector", "PypiTokenDetector", "SendGridDetector", "SlackDetector", "SquareOAuthDetector",
    "StripeDetector", "TelegramBotTokenDetector", "TwilioKeyDetector",
)  # fmt: skip
_FORMS = tuple({"name": name} for name in _FORM_NAMES)
_OWN = {"name": "AlibabaKeyDetector", "path": f"file://{_HERE / 'alibaba_keys.py'}"}
_RANDOM = ({"name": "Base64HighEntropyString", "limit": 4.5}, {"name": "HexHighEntropyString", "limit": 3.0})
_BEHIND_A_NAME = ({"name": "KeywordDetector"},)
_FILTERS = (
    "is_sequential_string", "is_templated_secret", "is_indirect_reference", "is_not_alphanumeric_string",
    "is_potential_uuid", "is_prefixed_with_dollar_sign",
)  # fmt: skip
_REFERENCE = {"path": "detect_secrets.filters.regex.should_exclude_secret", "pattern": ["^secret://"]}
_INVENTED_PLACES = ("tests", "events", "bench", "faults")
_PROSE = ("docs", "README.md", "CHANGELOG.md")  # tables in which every second line says password
_HASHES = "layers/lock.json"  # nothing but hashes of wheels


def findings(root: Path, files: Sequence[Path]) -> Iterator[str]:
    """Each likely secret with its place, never its value."""
    known = invented(_HERE / "invented.txt")
    shipped = [file for file in files if not _is_in(root, file, (*_INVENTED_PLACES, _HASHES))]
    code = [file for file in shipped if not _is_in(root, file, _PROSE)]
    seen = set()
    for plugins, some in (([*_FORMS, _OWN], files), (_RANDOM, shipped), (_BEHIND_A_NAME, code)):
        for file, line, kind in _scanned(plugins, some, known):
            place = f"{file.relative_to(root)}:{line}"
            if place not in seen:
                seen.add(place)
                yield f"{place}: {kind}: is it a secret? If it is invented, checks/invented.txt takes its hash"


def invented(file: Path) -> frozenset[str]:
    """SHA-256 of each value that is known to be none; a line's other words say why."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return frozenset(line.split()[0] for line in lines if line and not line.startswith("#"))


def _is_in(root: Path, file: Path, places: Sequence[str]) -> bool:
    return any(file.relative_to(root).is_relative_to(place) for place in places)


def _scanned(plugins: Sequence[Any], files: Sequence[Path], known: frozenset[str]) -> Iterator[tuple[Path, int, str]]:
    filters = [*({"path": f"detect_secrets.filters.heuristic.{name}"} for name in _FILTERS), _REFERENCE]
    with transient_settings({"plugins_used": list(plugins), "filters_used": filters}):
        patterns = [pattern for made in get_plugins() for pattern in getattr(made, "denylist", ())]
        for file in files:
            # Line by line a thousand files take ten seconds; those without any of the forms are known at once.
            if plugins is not _BEHIND_A_NAME and patterns and not _holds_any(file, patterns):
                continue
            for found in scan.scan_file(str(file)):
                value = (found.secret_value or "").encode()
                if hashlib.sha256(value).hexdigest() not in known:
                    yield file, found.line_number, found.type


def _holds_any(file: Path, patterns: Sequence[re.Pattern[str]]) -> bool:
    text = file.read_text(encoding="utf-8", errors="replace")
    return any(pattern.search(text) for pattern in patterns)
