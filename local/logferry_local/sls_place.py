"""One logstore, named on the command line or by the environment names of the published scripts, checked and opened."""

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from logferry import config
from logferry.sources import Surroundings
from logferry.sources.sls import Config, SlsSource, build
from logferry.vault import Vault

__all__ = ["DEFAULT", "AsJson", "Endpoint", "InLogstore", "InProject", "check", "moment", "opened"]

DEFAULT = "http://127.0.0.1:8070"
Endpoint = Annotated[str, typer.Option(envvar="SLS_ENDPOINT", help="https://HOST, http://HOST:PORT or HOST (https).")]
InProject = Annotated[str, typer.Option("--project", envvar="SLS_PROJECT", help="The project.")]
InLogstore = Annotated[str, typer.Option("--logstore", envvar="SLS_LOGSTORE", help="The logstore.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def check(endpoint: str, project: str, logstore: str, subject: str) -> Config:
    """The three as a source's options; ConfigError that names every mistake, before anything is sent."""
    named = {"endpoint": endpoint, "project": project, "logstore": logstore}
    return config.load(Config, named, subject=subject)


@contextmanager
def opened(endpoint: str, project: str, logstore: str, subject: str) -> Iterator[SlsSource]:
    """The logstore as a source, with the environment's key; its connections are closed."""
    options = check(endpoint, project, logstore, subject)
    source = build(options, Surroundings(os.environ, Vault(os.environ)))
    try:
        yield source
    finally:
        source.logstore.client.close()


def moment(seconds: float | None) -> str:
    """A time as it is shown: UTC, to the second."""
    if not seconds:
        return ""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
