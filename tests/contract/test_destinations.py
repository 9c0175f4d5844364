"""What every destination promises, over the files in `destinations/`; `adapter.py` says what each must bring."""

import importlib
import logging
import re
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from tests.contract.adapter import GROUPS, STATUSES, Row, records

from logferry import packing, registry
from logferry.config import load
from logferry.destinations import Destination, Surroundings
from logferry.encoders import Encoder
from logferry.errors import ConfigError, DeliveryError, Misconfigured, TooLarge, Transient
from logferry.model import Limits, Payload, Record
from logferry.vault import Vault

NAMES = registry.names("destinations")
PRESENT = [name for name in NAMES if (Path(__file__).parent / "adapters" / f"{name}.py").exists()]
PLACES_OF = {
    "answer": ({"connected", "answers"}, {"connected", "brokers"}),
    "socket": ({"connected"},),
    "none": ({"datagrams"},),
}


def adapter(name: str) -> ModuleType:
    """The adapter of that name."""
    return importlib.import_module(f"tests.contract.adapters.{name}")


ROWS = [pytest.param(name, row, id=f"{name}-{row.name}") for name in PRESENT for row in adapter(name).rows()]


@pytest.fixture(autouse=True)
def _no_secret_in_any_log(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a test of this file does, no log line of any library holds the secret, at any level."""
    caplog.set_level(logging.DEBUG)
    yield
    name = request.node.callspec.params["name"] if hasattr(request.node, "callspec") else ""
    secret = adapter(name).SECRET if name in PRESENT else ""
    if secret:
        lines = [f"{line.getMessage()} {line.__dict__}" for line in caplog.get_records("call")]
        assert [line for line in lines if secret in line] == []


def made(
    name: str, options: Mapping[str, object], environ: dict[str, str] | None = None
) -> tuple[Encoder, Destination]:
    """Encoder and destination with these options; `environ` holds the secret unless given."""
    module = registry.find("destinations", name)
    config = load(module.Config, options)
    environ = {"CONTRACT_SECRET": adapter(name).SECRET} if environ is None else environ
    around = Surroundings("contract", Vault(environ))
    return module.encoder(config, around), module.build(config, around)


def payload(encoder: Encoder, sent: Sequence[Record]) -> Payload:
    """All records in one payload."""
    parts = [(record.ordinal, encoder.encode(record)) for record in sent]
    (found,) = packing.pack(parts, Limits(max_bytes=10**9, max_records=10**6), encoder.frame)
    return found


def deliver(name: str, options: Mapping[str, object], sent: Sequence[Record], time_out: float) -> None:
    """Send and confirm; closing adds no error."""
    encoder, destination = made(name, options)
    try:
        destination.send(payload(encoder, sent), time_out)
        destination.confirm(time_out)
    finally:
        destination.close()


@pytest.mark.parametrize("name", NAMES)
def test_destination_has_an_adapter(name: str) -> None:
    """A destination that brings no adapter would not be tested, so it fails here."""
    assert name in PRESENT


@pytest.mark.parametrize("name", NAMES)
def test_destination_has_its_public_names(name: str) -> None:
    """Each file offers Config, encoder and build, and nothing else."""
    assert sorted(registry.find("destinations", name).__all__) == ["Config", "build", "encoder"]


@pytest.mark.parametrize("name", NAMES)
def test_bare_default_is_not_valid(name: str) -> None:
    """Where logs go is never a default."""
    with pytest.raises(ConfigError, match="is missing"):
        load(registry.find("destinations", name).Config, {})


@pytest.mark.parametrize("name", PRESENT)
def test_rows_cover_what_applies(name: str) -> None:
    """The confirmation decides which groups apply at least; each group's rows are all there."""
    _, destination = made(name, adapter(name).MINIMAL)
    destination.close()
    places = set(adapter(name).PLACES)
    assert any(places >= least for least in PLACES_OF[destination.confirmation])
    assert {row.name for row in adapter(name).rows()} >= set().union(*(GROUPS[place] for place in places))


@pytest.mark.parametrize("name", PRESENT)
def test_rows_of_statuses_agree_with_http(name: str) -> None:
    """What HTTP fixes is not the adapter's to choose: 2xx taken, 413 split, 401 and 403 held, 408, 429, 5xx again."""
    rows = {row.name: row.expected for row in adapter(name).rows()}
    for status in (status for status in STATUSES if f"status_{status}" in rows):
        fixed = {401: Misconfigured, 403: Misconfigured, 413: TooLarge, 408: Transient, 429: Transient}
        wanted = None if status < 300 else Transient if status >= 500 else fixed.get(status, rows[f"status_{status}"])
        assert rows[f"status_{status}"] is wanted, status


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_behaviour_of_the_far_side(name: str, row: Row, tmp_path: Path) -> None:
    """A behaviour of the far side becomes the error that says what to do, and its text gives no secret away."""
    with row.far_side(tmp_path) as options:
        if row.expected is None:
            deliver(name, options, row.records or records(3), row.time_out)
            return
        with pytest.raises(DeliveryError) as caught:
            deliver(name, options, row.records or records(3), row.time_out)
    assert type(caught.value) is row.expected, caught.value
    assert re.search(row.says, str(caught.value))
    assert row.also is None or row.also(caught.value), vars(caught.value)
    told = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert not adapter(name).SECRET or adapter(name).SECRET not in told


@pytest.mark.parametrize("name", PRESENT)
def test_real_peer_receives_every_record(name: str, tmp_path: Path) -> None:
    """What `send` and `confirm` returned for is with a real receiver, in order, once."""
    with adapter(name).peer(tmp_path) as peer:
        encoder, destination = made(name, peer.options)
        destination.check(10)
        for start in range(0, 30, 10):
            destination.send(payload(encoder, records(30)[start : start + 10]), 10)
        destination.confirm(10)
        destination.close()
        assert peer.received(30) == [record.fields["message"] for record in records(30)]


@pytest.mark.parametrize("name", PRESENT)
def test_payloads_at_once_all_arrive(name: str, tmp_path: Path) -> None:
    """As many threads as `in_flight` allows may send at the same time."""
    with adapter(name).peer(tmp_path) as peer:
        encoder, destination = made(name, peer.options)
        lanes = destination.limits.in_flight
        batches = [payload(encoder, records(10 * lanes)[lane::lanes]) for lane in range(lanes)]
        threads = [threading.Thread(target=destination.send, args=(batch, 10)) for batch in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=20)
        destination.confirm(10)
        destination.close()
        assert sorted(peer.received(10 * lanes)) == [record.fields["message"] for record in records(10 * lanes)]


@pytest.mark.parametrize("name", PRESENT)
def test_confirm_and_close_are_quiet_without_a_send(name: str) -> None:
    """Nothing was sent, so there is nothing to object to; closing twice does no harm."""
    _, destination = made(name, adapter(name).MINIMAL)
    destination.confirm(1.0)
    destination.close()
    destination.close()


@pytest.mark.parametrize("name", PRESENT)
def test_check_finds_that_nobody_listens(name: str, tmp_path: Path) -> None:
    """Before the first pull, a far side that is not there is Transient."""
    refused = {row.name: row for row in adapter(name).rows()}.get("refused")
    if refused is None:
        pytest.skip(f"{name} makes no connection")
    with refused.far_side(tmp_path) as options:
        _, destination = made(name, options)
        with pytest.raises(Transient):
            destination.check(10)
        destination.close()


@pytest.mark.parametrize("name", PRESENT)
def test_refresh_tells_whether_the_secret_changed(name: str, tmp_path: Path) -> None:
    """An unchanged secret is no reason to try again; a new one is, and it is the one in use from then on."""
    if not adapter(name).SECRET:
        pytest.skip(f"{name} has no secret")
    with adapter(name).peer(tmp_path) as peer:
        environ = {"CONTRACT_SECRET": "not-the-right-one"}
        encoder, destination = made(name, peer.options, environ)
        with pytest.raises(Misconfigured):
            destination.send(payload(encoder, records(3)), 10)
        assert not destination.refresh()
        environ["CONTRACT_SECRET"] = adapter(name).SECRET
        assert destination.refresh()
        destination.send(payload(encoder, records(3)), 10)
        destination.close()
        assert len(peer.received(3)) == 3


@pytest.mark.parametrize("name", PRESENT)
def test_missing_secret_is_misconfigured(name: str) -> None:
    """A secret that is not there holds the task, in `check` and in `send`; nothing is contacted."""
    if not adapter(name).SECRET:
        pytest.skip(f"{name} has no secret")
    encoder, destination = made(name, adapter(name).MINIMAL, {})
    with pytest.raises(Misconfigured, match="CONTRACT_SECRET"):
        destination.check(10)
    with pytest.raises(Misconfigured, match="CONTRACT_SECRET"):
        destination.send(payload(encoder, records(1)), 10)
    destination.close()
