"""Cases in MB of raw logs per CPU-second: decode, hec, syslog, select."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from bench import corpora, ours, published, receivers
from bench.corpora import Corpus
from bench.measure import Row, Wanted, Way, interleave
from bench.scale import Scale
from logferry.plan import Plan

__all__ = ["decode", "flatten", "hec", "select", "syslog"]

_FLATTEN = "SDK flatten, nothing sent"
_FIELDS = ["time", "host", "real_client_ip", "request_method", "request_uri", "status", "http_user_agent",
           "request_traceid", "final_action", "upstream_status"]  # fmt: skip
_FILTER = {"all": [{"field": "status", "op": "geq", "value": 400}]}


def decode(corpus: str, scale: Scale) -> list[Row]:
    """From the compressed answer to records."""
    data = corpora.make(corpus, scale.raw)
    ways = [flatten(data), Way("logferry, streamed", lambda: ours.decode(data, Plan()))]
    wanted = [Wanted("logferry, streamed", _FLATTEN, None)]
    return interleave("decode", corpus, ways, wanted, scale.rounds)


def hec(corpus: str, scale: Scale) -> list[Row]:
    """From the compressed answer to Splunk's HTTP Event Collector."""
    data, few = corpora.make(corpus, scale.raw), corpora.make(corpus, scale.raw_of_one_by_one)
    with _bays() as (bay, http, _), requests.Session() as session:
        mine = bay("hec", _hec(http)).deliver
        url = f"http://127.0.0.1:{http}/services/collector"
        ways = [
            flatten(data),
            Way("published, a POST an event", lambda: published.to_hec(few, session, url)),
            Way("logferry, gzip", lambda: mine(data)),
        ]
        wanted = [Wanted(ways[2].name, ways[0].name, 1.0 if corpus == "waf" else 0.8)]
        wanted += [Wanted(ways[2].name, ways[1].name, 25)]
        return interleave("hec", corpus, ways, wanted, scale.rounds)


def syslog(corpus: str, scale: Scale) -> list[Row]:
    """From the compressed answer to a syslog receiver over TCP, ended by LF."""
    data = corpora.make(corpus, scale.raw)
    with _bays() as (bay, _, tcp):
        mine = bay("syslog", {"syslog_server": {"host": "127.0.0.1", "port": tcp}}).deliver
        ways = [
            flatten(data),
            Way("published, a write a message", lambda: published.to_syslog(data, tcp)),
            Way("logferry, TCP", lambda: mine(data)),
        ]
        wanted = [Wanted(ways[2].name, ways[0].name, None), Wanted(ways[2].name, ways[1].name, 3)]
        return interleave("syslog", corpus, ways, wanted, scale.rounds)


def select(corpus: str, scale: Scale) -> list[Row]:
    """A filter that keeps one log in six, and 10 of 30 fields, to Splunk; beside everything."""
    data = corpora.make(corpus, scale.raw)
    with _bays() as (bay, http, _):
        everything = bay("everything", _hec(http)).deliver
        some = bay("some", _hec(http), fields=_FIELDS).deliver
        few = bay("few", _hec(http), filter=_FILTER, fields=_FIELDS).deliver
        ways = [
            Way("logferry, all", lambda: everything(data)),
            Way("logferry, 10 of 30 fields", lambda: some(data)),
            Way("logferry, filter and 10 fields", lambda: few(data)),
        ]
        wanted = [Wanted(ways[1].name, ways[0].name, None), Wanted(ways[2].name, ways[0].name, 2.2)]
        return interleave("select", corpus, ways, wanted, scale.rounds)


def flatten(data: Corpus) -> Way:
    """What the vendor's kit does before anything is sent."""

    def run() -> int:
        if len(published.flatten(data)) != data.logs:
            raise RuntimeError("the vendor's kit gave another number of logs")
        return data.raw

    return Way(_FLATTEN, run)


def _hec(port: int) -> dict[str, object]:
    return {"splunk_hec": {"url": f"http://127.0.0.1:{port}", "token": "secret://env/BENCH_TOKEN", "sourcetype": "waf"}}


@contextmanager
def _bays() -> Iterator[tuple[Callable[..., ours.Bay], int, int]]:
    """A maker of bays, and the ports of an HTTP and a TCP receiver; all of it closed at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        http, tcp = (stack.enter_context(receivers.running(kind)) for kind in ("http", "tcp"))

        def bay(name: str, destination: dict[str, object], **stages: object) -> ours.Bay:
            made = ours.Bay(folder, name, destination, **stages)
            stack.callback(made.close)
            return made

        yield bay, http, tcp
