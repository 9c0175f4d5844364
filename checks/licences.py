"""Whether every wheel of the layers has a licence that we may ship under, and carries its text.

The licence is an SPDX expression: the wheel's own (`License-Expression`), or what a person read in its licence text
where the metadata has only a vague name.
"""

import re
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path

from packaging.utils import canonicalize_name

from checks import locks

__all__ = ["ALLOWED", "WEAK_COPYLEFT", "WITHOUT_TEXT", "findings", "of_wheel"]

ALLOWED = frozenset({"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0", "Zlib"})
# Copyleft that ends at the file. Shipped as they come, with their licence: a list of roots, and Rust crates in orjson.
WEAK_COPYLEFT = {"MPL-2.0": frozenset({"certifi", "orjson"})}
# Without a text of its own in the wheel; that of Apache-2.0 comes with orjson, in the layer that is always there.
WITHOUT_TEXT = frozenset({"flatbuffers"})
_SPELLINGS = {"Apache License 2.0": "Apache-2.0", "Apache 2.0": "Apache-2.0", "3-Clause BSD License": "BSD-3-Clause"}
# "BSD License" or "Dual License" in the metadata; the text in the wheel is this.
_READ = {
    "google-re2": "BSD-3-Clause", "lz4": "BSD-3-Clause", "python-snappy": "BSD-3-Clause",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause", "aws-lambda-powertools": "MIT-0",
}  # fmt: skip
_TEXTS = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|AUTHORS)", re.IGNORECASE)


def of_wheel(about: Path) -> tuple[str, list[str]]:
    """Expression and files with the text, of an unpacked `dist-info`; an expression "" is unknown."""
    told = HeaderParser().parsestr((about / "METADATA").read_text(encoding="utf-8"))
    name, short = canonicalize_name(told["Name"]), (told["License"] or "").strip()
    licence = told["License-Expression"] or _READ.get(name) or _SPELLINGS.get(short, short)
    files = [
        file.relative_to(about).as_posix() for file in about.rglob("*") if file.is_file() and _TEXTS.match(file.name)
    ]
    return licence if "\n" not in licence and len(licence) < 80 else "", sorted(files)


def findings(root: Path) -> Iterator[str]:
    """Every wheel that may not be shipped so."""
    for entry in locks.locked(root):
        name, licence = str(entry["name"]), str(entry["licence"])
        for term in _terms(licence):
            if term not in ALLOWED and name not in WEAK_COPYLEFT.get(term, ()):
                yield f"layers/{entry['layer']}: {name}: licence {term!r} is not allowed (checks/licences.py)"
        if not entry["licence_files"] and name not in WITHOUT_TEXT:
            yield f"layers/{entry['layer']}: {name}: the wheel carries no licence text"


def _terms(licence: str) -> list[str]:
    """All licences of an expression; of alternatives every one is asked for, which errs on the strict side."""
    return [term for term in re.split(r"\s+(?:AND|OR)\s+|[()]", licence) if term.strip()] or [licence]
