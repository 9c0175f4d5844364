"""http_server end to end: 50,000 logs into the http sink, and every compression and form read by another reader."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import snappy
import zstandard
from tests.contract.test_destinations import made
from tests.fakes import shipment
from tests.fakes.ferry import ferry
from tests.fakes.misbehaving import Misbehaving, Request, answer

from logferry import packing
from logferry.model import Limits, Record
from logferry_local.sample_logs import access_origin
from logferry_local.sinks import Place
from logferry_local.sinks.http import Options, open_sink

KEY = "Shipment2026Key"
COUNT = 3_000
# By Content-Encoding, each with a library that logferry does not compress with, where there is one.
READERS: Mapping[str | None, Callable[[bytes], bytes]] = {
    None: bytes,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "snappy": snappy.uncompress,
    "x-snappy-framed": lambda body: bytes(snappy.StreamDecompressor().decompress(body)),
    "zstd": lambda body: zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body)).read(),
}


def lines_of(text: str) -> list[str]:
    """NDJSON."""
    return [json.loads(line)["ClientRequestID"] for line in text.splitlines()]


def array_of(text: str) -> list[str]:
    """One JSON array."""
    return [row["ClientRequestID"] for row in json.loads(text)]


def envelope_of(text: str) -> list[str]:
    """An array in an object."""
    return [row["ClientRequestID"] for row in json.loads(text)["records"]]


def marked_of(text: str) -> list[str]:
    """Lines between a prefix and a suffix that are no JSON."""
    assert text.startswith("cdnVersion:1.0\n")
    assert text.endswith("\ncdnVersion:1.0")
    return lines_of(text.removeprefix("cdnVersion:1.0\n").removesuffix("cdnVersion:1.0"))


def rows_of(text: str) -> list[str]:
    """CSV with a line of names."""
    return [row["ClientRequestID"] for row in csv.DictReader(io.StringIO(text))]


FORMS: Mapping[str, tuple[dict[str, object], Callable[[str], list[str]]]] = {
    "lines": ({}, lines_of),
    "array": ({"prefix": "[", "separator": ",", "suffix": "]"}, array_of),
    "envelope": ({"prefix": '{"records":[', "separator": ",", "suffix": "]}"}, envelope_of),
    "marked": ({"prefix": "cdnVersion:1.0\n", "suffix": "cdnVersion:1.0", "last_separator": True}, marked_of),
    "csv": ({"format": "csv", "columns": ["ClientRequestID", "ClientRequestURI", "ClientIP"]}, rows_of),
}


def test_fifty_thousand_records_arrive_signed_and_the_ledger_verifies(tmp_path: Path) -> None:
    """Every id, in gzip arrays whose signatures the sink checked; each record once."""
    sink = open_sink(Place(tmp_path / "bodies.txt"), Options(private_key=KEY))
    to = {
        "url": f"{sink.address}/v1/log/upload?site=a",
        "compress": "gzip",
        "auth": {"private_key": "secret://env/KEY"},
        "output": {"prefix": "[", "separator": ",", "suffix": "]"},
    }
    with ferry(tmp_path, shards=2, settings=[("KEY", KEY)]) as boat:
        sent = shipment.ship(boat, {"http_server": to})
    sink.close()
    bodies = (tmp_path / "bodies.txt").read_text(encoding="utf-8").splitlines()
    ids = [row[shipment.ID_FIELD] for body in bodies for row in json.loads(body)]
    assert len(ids) == len(sent) == shipment.COUNT
    assert set(ids) == sent
    assert max(len(json.loads(body)) for body in bodies) == 1_000


@pytest.fixture(scope="module")
def logs() -> Sequence[Record]:
    """Records as the plan hands them on."""
    return [
        Record(ordinal, log.time, log.nanos, log.fields)
        for ordinal, log in enumerate(access_origin.make(COUNT, begin=shipment.BEGIN))
    ]


@pytest.mark.parametrize("compress", ["none", "gzip", "zlib", "snappy", "snappy_framed", "zstd"])
@pytest.mark.parametrize("form", list(FORMS))
def test_another_reader_finds_every_record(form: str, compress: str, logs: Sequence[Record]) -> None:
    """Inflated and parsed by others' code, every record is there, in order, in each body on its own."""
    output, read = FORMS[form]
    requests = shipped(logs, {"compress": compress, "output": output})
    found = []
    for request in requests:
        body = READERS[request.headers.get("content-encoding")](request.body)
        found += read(body.decode())
    assert found == [record.fields["ClientRequestID"] for record in logs]
    assert len(requests) == 3


def shipped(logs: Sequence[Record], options: Mapping[str, object]) -> list[Request]:
    """The requests that they make."""
    with Misbehaving(answer(204)) as server:
        encoder, destination = made("http_server", {"url": server.url, **options}, {})
        parts = ((record.ordinal, encoder.encode(record)) for record in logs)
        for payload in packing.pack(parts, Limits(max_bytes=10**7, max_records=1_000), encoder.frame):
            destination.send(payload, 10)
        destination.close()
        return server.requests
