"""`logferry ots serve`: a small server that speaks Tablestore's protocol, for a state table without a cloud."""

import json
import os
import re
import time
from typing import Annotated

import typer

from logferry.errors import Misconfigured
from logferry.runtime import log_lines
from logferry.vault import Secret

__all__ = ["register"]

_KEY = re.compile(r"(?P<id>[^\s:/]{1,128}):(?P<secret>[^\s:]{1,256})(:(?P<token>\S{1,4096}))?")


def register(app: typer.Typer) -> None:
    """Add `ots` with its subcommand."""
    group = typer.Typer(help="A server that speaks Tablestore's protocol, for tests and trials.", no_args_is_help=True)
    group.callback()(lambda: None)  # one command, yet called by its name
    group.command("serve")(serve)
    app.add_typer(group, name="ots")


def serve(
    *,
    data: Annotated[str, typer.Option(metavar="FILE", help="Keep the tables in this file (default: in memory).")] = "",
    access_key: Annotated[
        list[str] | None,
        typer.Option(
            "--access-key",
            metavar="ID:SECRET[:TOKEN]",
            envvar="LOGFERRY_OTS_ACCESS_KEYS",
            help="A key that may sign requests; several are allowed (default: ALIBABA_CLOUD_ACCESS_KEY_ID etc.).",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8087,
) -> None:
    """Serve until SIGTERM or Ctrl-C. Prints one JSON line with the address once it answers."""
    try:
        from logferry_local.ots_server import Store, app
    except ModuleNotFoundError as error:
        if not str(error.name).startswith("tablestore"):
            raise
        raise Misconfigured("ots serve: needs the SDK's messages: pip install 'logferry[tablestore]'") from None
    from logferry_local.ots_server.signatures import AccessKey
    from logferry_local.sls_server.running import listen, run

    found = [(part["id"], part["secret"], part["token"]) for part in _keys(access_key)]
    keys = {key: AccessKey(Secret(secret), Secret(token) if token else None) for key, secret, token in found}
    try:
        bound, address = listen(host, port)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]  # the address is told already
        raise Misconfigured(f"ots serve: cannot listen on {host}:{port}: {reason}") from None
    line = json.dumps({"address": address, "data": data or None, "pid": os.getpid()})
    with log_lines.shown("", log_lines.level(os.environ)), bound:
        store = Store(data)
        try:
            run(app(store, keys, time.time), bound, lambda: typer.echo(line))
        finally:
            store.close()


def _keys(given: list[str] | None) -> list[re.Match[str]]:
    if not given:
        names = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")
        given = [":".join(value for name in names if (value := os.environ.get(name)))]
    matches = [found for part in given if (found := _KEY.fullmatch(part))]
    if len(matches) < len(given):
        raise Misconfigured("--access-key: expected ID:SECRET or ID:SECRET:TOKEN")
    return matches
