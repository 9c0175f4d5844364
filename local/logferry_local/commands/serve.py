"""`logferry serve`: functions with an HTTP trigger as servers, any function as a custom runtime; until SIGTERM."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from logferry import wiring
from logferry.errors import ConfigError
from logferry.runtime import log_lines
from logferry.runtime.sparing import Sparing
from logferry.vault import Vault

if TYPE_CHECKING:
    from logferry_local.serving.listener import Application

__all__ = ["register"]

_STOPS = {signal.SIGTERM, signal.SIGINT}
_ONCE_IN = 60.0  # seconds: the same warning or error is written once

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port; the address is printed.")]
Certificate = Annotated[Path | None, typer.Option(help="PEM file: listen with TLS. Goes with --tls-key.")]
Key = Annotated[Path | None, typer.Option(help="PEM file with the certificate's key.")]
CustomPort = Annotated[
    int, typer.Option(min=0, max=65535, envvar="FC_SERVER_PORT", help="0 takes any free port; the address is printed.")
]
Code = Annotated[Path | None, typer.Option(help="Folder of the function's app.py; else that of the checkout.")]
Seconds = Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds that a body may take to arrive.")]


def register(app: typer.Typer) -> None:
    """Add `serve` with its subcommands."""
    group = typer.Typer(help="Run a function as a server.", no_args_is_help=True)
    group.command("receive")(receive)
    group.command("verify_request")(verify_request)
    group.command("function")(function)
    app.add_typer(group, name="serve")


def receive(
    *, host: Host = "127.0.0.1", port: Port = 8080, tls_cert: Certificate = None, tls_key: Key = None,
    body_seconds: Seconds = 30.0,
) -> None:  # fmt: skip
    """Take posts of logs for the tasks in the state table, each at its path."""
    from logferry.receiver import Receiver
    from logferry_local.serving.answering import Posts

    shop = wiring.Workshop(wiring.open_table(os.environ), wiring.open_store(os.environ)).renewed(os.environ)
    try:
        posts = Posts(Receiver(shop), body_seconds)
        _serve("receive", posts, posts.close, (host, port, tls_cert, tls_key))
    finally:
        shop.close()


def verify_request(
    *, host: Host = "127.0.0.1", port: Port = 8081, tls_cert: Certificate = None, tls_key: Key = None
) -> None:
    """Say whether requests are signed: 200 or 403, for a proxy that asks (nginx: auth_request)."""
    from logferry.verify_calls import Verifier
    from logferry_local.serving.answering import Verdicts

    verdicts = Verdicts(Verifier(Vault(os.environ)))
    _serve("verify_request", verdicts, verdicts.close, (host, port, tls_cert, tls_key))


def function(
    name: Annotated[str, typer.Argument(help="A folder below functions/, such as forward.")],
    *, host: Host = "127.0.0.1", port: CustomPort = 9000, code: Code = None,
) -> None:  # fmt: skip
    """Serve a function to Function Compute as a custom runtime or container. The port is for the platform alone."""
    from logferry_local import checkout
    from logferry_local.platforms import Function, settings
    from logferry_local.serving.custom_runtime import CustomRuntime
    from logferry_local.serving.listener import Address, Listener

    served = Function(name=name, code=code or checkout.root() / "functions" / name)
    settings(served, "fc")  # raises for what is missing
    with _signals_kept():
        runtime = CustomRuntime(served)
        # The platform keeps its connections for a quarter of an hour.
        listener = Listener(runtime, Address(host, port, idle_seconds=900))
        typer.echo(f"{name} listening on {listener.address}")
        try:
            signal.sigwait(_STOPS)
        finally:
            listener.close()
            runtime.close()


def _serve(
    name: str, application: "Application", finish: Callable[[], None], place: tuple[str, int, Path | None, Path | None]
) -> None:
    from logferry_local.serving.listener import Address, Listener

    if (place[2] is None) != (place[3] is None):
        raise ConfigError(["--tls-cert: goes with --tls-key, and the other way round"], subject="serve")
    least = log_lines.level(os.environ)
    with log_lines.shown(name, least, filters=[Sparing(_ONCE_IN)]), _signals_kept():
        listener = Listener(application, Address(*place))
        typer.echo(f"{name} listening on {listener.address}")
        try:
            signal.sigwait(_STOPS)
        finally:
            listener.close()
            finish()


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Waited for, not handled: a handler may come while this thread holds the very lock that it needs."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)  # the threads inherit it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
