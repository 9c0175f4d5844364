"""One way of delivering in several forms beside the same logs to Splunk: from the compressed answer to the receiver."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import corpora, ours, receivers
from bench.measure import Row, Wanted, Way, interleave
from bench.scale import Scale

__all__ = ["KEY", "beside_hec"]

KEY = "secret://env/BENCH_TOKEN"
_HEC = "splunk_hec, gzip"
_SHARE = 0.8  # of Splunk's rate


def beside_hec(
    case: str, corpus: str, scale: Scale, forms: Callable[[int], Mapping[str, dict[str, object]]], judged: str
) -> list[Row]:
    """`forms`: a receiver's port -> destinations by their names; those with the word `judged` in it have a target.

    The receiver is another process.
    """
    data = corpora.make(corpus, scale.raw)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        port = stack.enter_context(receivers.running("http"))
        hec: dict[str, object] = {"url": f"http://127.0.0.1:{port}", "token": KEY, "sourcetype": "waf"}
        destinations: dict[str, dict[str, object]] = {_HEC: {"splunk_hec": hec}, **forms(port)}
        bays = {name: ours.Bay(folder, f"bay-{at}", to) for at, (name, to) in enumerate(destinations.items())}
        for bay in bays.values():
            stack.callback(bay.close)
        ways = [Way(name, lambda to=bay: to.deliver(data)) for name, bay in bays.items()]  # type: ignore[misc]  # the default binds the loop's value
        wanted = [Wanted(way.name, _HEC, _SHARE if judged in way.name else None) for way in ways[1:]]
        return interleave(case, corpus, ways, wanted, scale.rounds)
