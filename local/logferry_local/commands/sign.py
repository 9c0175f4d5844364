"""`logferry sign URL --key secret://env/KEY`: a signed URL to try a receiver with, or why one is refused."""

import os
import secrets
import sys
import time
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer

from logferry import signing
from logferry.config import Duration, seconds
from logferry.errors import ConfigError
from logferry.transport.addresses import url_problems
from logferry.vault import Vault

__all__ = ["register"]

Url = Annotated[str, typer.Argument(metavar="URL", help="Where to; with --check a signed one.")]
Key = Annotated[str, typer.Option(help="The private key: secret://env/NAME or secret://file/PATH.")]
Expires = Annotated[str, typer.Option(help="How long it is good.")]
Path = Annotated[str | None, typer.Option(help="Path to hash in place of the URL's.")]
Check = Annotated[
    bool, typer.Option("--check", help="Say whether the signature of the URL is good; exit code 1 if not.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sign")(sign)


def sign(url: Url, *, key: Key, expires: Expires = "300s", path: Path = None, check: Check = False) -> None:
    """Print the URL with an auth_key, as ESA's deliveries carry it."""
    problems = url_problems(url, "the signature is all that is made here")
    validity = _validity(expires, problems)
    if problems:
        raise ConfigError(problems, subject="sign")
    private = signing.private_key(key, Vault(os.environ))
    if not check:
        made = signing.signed(url, private, now=time.time(), expires=validity, rand=secrets.token_hex(16), path=path)
        sys.stdout.write(f"{made}\n")
        return
    parts = urlsplit(url)
    verdict = signing.verify(f"{parts.path or '/'}?{parts.query}", [private], now=time.time(), path=path)
    sys.stdout.write("good\n" if verdict.ok else f"refused: {verdict.reason}\n")
    if not verdict.ok:
        raise typer.Exit(1)


def _validity(text: str, problems: list[str]) -> float:
    try:
        found = seconds(msgspec.convert(text, Duration))
    except msgspec.ValidationError:
        found = 0.0
    if not 1 <= found <= 31_536_000:
        problems.append(f"--expires: {text[:20]!r} is not between 1s and 365d, such as 300s")
    return found
