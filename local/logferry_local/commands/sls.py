"""`logferry sls …`: run the embedded log store, load logs into a log store, see to its groups and shards."""

import json
import os
import re
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from logferry import config
from logferry.errors import ConfigError, Misconfigured
from logferry.runtime import log_lines
from logferry.sls import credentials
from logferry.vault import Secret
from logferry_local import sls_groups, sls_place, sls_sample, sls_shards

__all__ = ["register"]

_KEY = re.compile(r"(?P<id>[^\s:/]{1,128}):(?P<secret>\S{1,256})")
Keys = Annotated[
    list[str] | None,
    typer.Option(
        "--access-key",
        metavar="ID:SECRET",
        envvar="LOGFERRY_SLS_ACCESS_KEYS",
        help="A key that may sign requests; several are allowed (default: SLS_AK_ID and SLS_AK_KEY).",
    ),
]


def register(app: typer.Typer) -> None:
    """Add `sls` with its subcommands."""
    group = typer.Typer(
        help="The embedded SLS-compatible log store; loading logs; groups and shards of any.", no_args_is_help=True
    )
    group.command("serve")(serve)
    group.command("put")(put)
    sls_groups.register(group)
    sls_shards.register(group)
    sls_sample.register(group)
    app.add_typer(group, name="sls")


def serve(  # noqa: PLR0913  # one argument an option
    data: Annotated[Path, typer.Option(help="Folder of the store; made if it is not there.")],
    *,
    access_key: Keys = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8070,
    sync: Annotated[
        Literal["never", "1s", "always"], typer.Option(help="When PutLogs is on the disk for sure.")
    ] = "1s",
    ttl: Annotated[str, typer.Option(metavar="DURATION", help="Keep logs no longer, whatever a logstore says.")] = "",
    check_times: Annotated[bool, typer.Option(help="Refuse logs older than 7 days, as the service does.")] = False,
) -> None:
    """Serve until SIGTERM or Ctrl-C. Prints one JSON line with the address once it answers."""
    from logferry_local.sls_server import Store, app
    from logferry_local.sls_server.running import listen, run

    keys = _keys(access_key)
    keep = config.seconds(ttl) if _is_duration(ttl) else None
    try:
        bound, address = listen(host, port)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]  # the address is told already
        raise Misconfigured(f"sls serve: cannot listen on {host}:{port}: {reason}") from None
    line = json.dumps({"address": address, "data": str(data), "sync": sync, "pid": os.getpid()})
    with log_lines.shown("", log_lines.level(os.environ)), bound:
        store = Store(data, clock=time.time, sync=sync, keep=keep)
        try:
            run(app(store, keys, time.time, check_times=check_times), bound, lambda: typer.echo(line))
        finally:
            store.close()


def put(  # noqa: PLR0913  # one argument an option
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False, help="One JSON object a line.")
    ],
    *,
    project: Annotated[str, typer.Option(help="Made if it is not there.")],
    logstore: Annotated[str, typer.Option(help="Made if it is not there.")],
    endpoint: sls_place.Endpoint = sls_place.DEFAULT,
    shards: Annotated[int, typer.Option(min=1, max=100, help="Of a logstore that is made.")] = 1,
    topic: Annotated[str, typer.Option(help="Topic of all logs.")] = "",
    time_field: Annotated[
        str, typer.Option(metavar="NAME", help="Field with the log's time (number or ISO 8601); default: now.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Load files of JSON lines into a logstore. Exit code 1 if lines were bad (the others are loaded)."""
    from logferry_local import sls_put

    sls_place.check(endpoint, project, logstore, "sls put")
    place = sls_put.Place(endpoint, project, logstore, shards)
    done = sls_put.put(place, files, time_field=time_field, topic=topic, environ=os.environ)
    report = {"logs": done.logs, "groups": done.groups, "bytes": done.bytes, "bad": len(done.bad)}
    if as_json:
        typer.echo(json.dumps(report))
    else:
        typer.echo("{logs} logs in {groups} log groups ({bytes} bytes), {bad} bad lines".format(**report))
    raise typer.Exit(1 if done.bad else 0)


def _keys(given: list[str] | None) -> dict[str, Secret]:
    if not given:
        found = credentials.from_environ(os.environ)
        return {found.access_key_id: found.access_key_secret}
    matches = [_KEY.fullmatch(part) for part in given]
    if not all(matches):
        raise Misconfigured("--access-key: expected ID:SECRET")
    return {match["id"]: Secret(match["secret"]) for match in matches if match}


def _is_duration(text: str) -> bool:
    if text and not re.fullmatch(r"[0-9]+(\.[0-9]+)?(ms|s|m|h|d)", text):
        raise ConfigError([f"--ttl: {text!r} is not a number and ms, s, m, h or d, such as 12h"], subject="sls serve")
    return bool(text)
