"""The source `objects`: its options, its events, how records are read, and what it says to those who would read it."""

import gzip
import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from logferry import config, doorbells
from logferry.errors import ConfigError, Expired, Misconfigured, SourceError
from logferry.objects import open_store
from logferry.plan import Plan, Tally
from logferry.put_events import Creation, Put
from logferry.sources import Judged, Named, Surroundings, objects
from logferry.sources.objects import Config, Wanted, places, revive
from logferry.sources.objects.parts import Part
from logferry.vault import Vault

ROOT = Path(__file__).parents[2]
MARK = "ab" * 12
S3 = "s3:trail?region=eu-west-1"


def load(**options: Any) -> Config:  # noqa: ANN401  # as in a document
    """The options, checked."""
    return config.load(Config, {"bucket": S3, **options}, subject="source")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"bucket": "trail"}, "'trail' is not of the form"),
        ({"bucket": "s4:trail"}, "'s4' is not one of: folder, oss, s3"),
        ({"bucket": "s3:trail/logs"}, "holds a prefix too: write s3:trail and prefix: logs/"),
        ({"bucket": "s3:trail?regoin=x"}, "s3: unknown option 'regoin'"),
        ({"bucket": "oss:trail"}, "region: is missing"),
        ({"format": "xml"}, "format: 'xml' is not"),
        ({"envelope": "Records"}, "envelope: goes with format: json only, not with ndjson"),
        ({"columns": ["a"]}, "columns: goes, like skip_lines, with format: csv only"),
        ({"format": "csv", "columns": ["a", "a"]}, "columns: a name stands there twice"),
        ({"format": "csv", "delimiter": "\n"}, "delimiter: .* is a quote or a line's end"),
        ({"format": "csv", "delimiter": ", "}, "delimiter: ', ' is not one character"),
        ({"remember": "5m"}, "remember: 5m is less than 1h"),
        ({"max_record": 1}, "max_record: 1 is not between 100 and 16777216"),
        ({"prefx": "a"}, "prefx: unknown key, did you mean prefix"),
    ],
)
def test_each_mistake_is_told_in_one_line(options: dict[str, Any], said: str) -> None:
    """With what was expected."""
    with pytest.raises(ConfigError, match=said) as raised:
        load(**options)
    assert len(raised.value.problems) == 1


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("object_created.aws.json", ("s3", "example-trail", "Z_a+b.json.gz", "0f343b0931126a20f133d67c2b018a3b")),
        ("object_created_bus.aws.json", ("bus", "example-trail", "/a+b.json.gz", "0f343b0931126a20f133d67c2b018a3b")),
        ("object_created.fc.json", ("oss", "example-access", "-0001.log.gz", "C4374C8851D3E5BE41EE3FE779B47EB5")),
    ],
)
def test_sample_events_ring_for_objects(name: str, found: tuple[str, str, str, str]) -> None:
    """S3, EventBridge, OSS: the kind, the way, and what was put."""
    rung = doorbells.answer(json.loads((ROOT / "events/forward" / name).read_text()))
    assert (rung.kind, rung.way) == ("objects", "fetch")
    assert isinstance(rung.bell, list)
    (creation,) = rung.bell
    assert creation.put.bucket == found[1]
    assert creation.put.keys[0].endswith(found[2])
    assert creation.etag == found[3]
    assert creation.at.startswith("2026-01-01T00:00:0")


def test_only_puts_are_rung_for() -> None:
    """A deletion and a test message tell of no object; what queues and streams hand over is not ours."""
    assert doorbells.answer({"Event": "s3:TestEvent", "Service": "Amazon S3"}).bell == []
    gone = {"source": "aws.s3", "detail-type": "Object Deleted", "detail": {}}
    assert doorbells.answer(gone).bell == []
    assert (
        doorbells.answer({"Records": [{"s3": {}, "eventSource": "aws:s3"}, *()]} | {"Event": "s3:TestEvent"}).bell == []
    )
    with pytest.raises(ConfigError, match=r"detail: expected bucket.name, object.key"):
        doorbells.answer({"source": "aws.s3", "detail-type": "Object Created", "detail": {}})


def test_whose_object_it_is() -> None:
    """By bucket, prefix and suffix, and either reading of the key."""
    options = load(prefix="a b/", suffix=".gz")
    assert objects.rings(options, Put("trail", ("a+b/x.gz", "a b/x.gz"), 1))
    for put in (Put("other", ("a b/x.gz",), 1), Put("trail", ("a b/x.txt",), 1), Put("trail", ("x.gz",), 1)):
        assert not objects.rings(options, put)
    assert Creation(Put("trail", ("k",), 1), "e", "", "").put.keys == ("k",)


def read(folder: Path, body: bytes, begin: str = "5", **options: Any) -> list[Part]:  # noqa: ANN401  # of the source
    """The parts of an object, from a position on."""
    store = open_store(f"folder:{folder}")
    store.put("a", body)
    made = objects.build(
        config.load(Config, {"bucket": f"folder:{folder}", **options}), Surroundings({}, Vault({}), lambda: 9.0)
    )
    wanted = Wanted(folder.name, ("a",), "", 1_767_225_605.0, MARK)
    return list(made.holding(wanted, lambda: None).read("0", begin, f"6@{MARK}"))


def records(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """What they hold."""
    return [dict(record.fields) for part in parts for record in part.select(Plan(), Tally())]


def test_flow_logs_name_their_columns(tmp_path: Path) -> None:
    """The first line, with blanks between; the record's time is one of them."""
    body = b"version account-id start\n2 111122223333 1767225600\n2 111122223333 1767225601 more\n"
    parts = read(tmp_path, body, format="csv", delimiter=" ", time_field="start")
    assert records(parts) == [
        {"version": "2", "account-id": "111122223333", "start": "1767225600"},
        {"version": "2", "account-id": "111122223333", "start": "1767225601", "column_4": "more"},
    ]
    assert [record.time for part in parts for record in part.select(Plan(), Tally())] == [1767225600, 1767225601]


def test_lines_before_the_records_are_none(tmp_path: Path) -> None:
    """With names given; quotes keep a delimiter within a cell. Without an end of line the last one counts too."""
    body = b'#Version: 1.0\n#Fields: a b\nx\t"y\tz"\n"p"\tq'
    parts = read(tmp_path, body, format="csv", delimiter="\t", skip_lines=2, columns=["a", "b"])
    assert records(parts) == [{"a": "x", "b": "y\tz"}, {"a": "p", "b": "q"}]
    assert records(read(tmp_path, b"", format="csv")) == []
    assert records(read(tmp_path, b"only,names", format="csv")) == []


def test_a_line_is_a_field(tmp_path: Path) -> None:
    """Its time is when the object was put; a mark of byte order is no part of it."""
    parts = read(tmp_path, b"\xef\xbb\xbfone line\r\n\n two\n", format="lines")
    assert records(parts) == [{"message": "one line"}, {"message": " two"}]
    assert [record.time for part in parts for record in part.select(Plan(), Tally())] == [1_767_225_605] * 2


@pytest.mark.parametrize("form", ["ndjson", "json", "csv", "lines"])
@pytest.mark.parametrize("packed", [False, True])
def test_going_on_from_any_part_gives_the_rest(tmp_path: Path, form: str, packed: bool) -> None:  # noqa: FBT001  # a parameter
    """The same parts under the same names, packed or not: a kill repeats a part and not the object."""
    rows = [f'{{"a":"{i}"}}' if "json" in form else f"{i},x" for i in range(25)]
    body = ("a,b\n" * (form == "csv") + "\n".join(rows)).encode()
    options: dict[str, Any] = {"format": form, "max_records": 4}
    whole = read(tmp_path, gzip.compress(body) if packed else body, **options)
    assert [part.count for part in whole] == [4, 4, 4, 4, 4, 4, 1]
    for done in range(1, 7):
        rest = read(tmp_path, gzip.compress(body) if packed else body, whole[done].begin, **options)
        assert [(part.begin, part.end, part.named) for part in rest] == [
            (part.begin, part.end, part.named) for part in whole[done:]
        ]
        assert records(rest) == records(whole[done:])


def test_parts_tile_and_say_what_cannot_be_read(tmp_path: Path) -> None:
    """Each is a batch that names itself by the object; the last one ends behind it."""
    parts = read(tmp_path, b'{"a":1}\nbroken\n{"a":2}\n[3]\n{"a":4}\n', max_records=2)
    assert all(isinstance(part, Judged) and isinstance(part, Named) for part in parts)
    assert [part.begin for part in parts] == ["5", *(part.end for part in parts[:-1])]
    assert parts[-1].end == f"6@{MARK}"
    assert [list(part.unreadable) for part in parts] == [[1], [1], []]
    assert [part.named for part in parts] == [
        (f"object-{MARK}", "0"),
        (f"object-{MARK}", "15"),
        (f"object-{MARK}", "27"),
    ]


@pytest.mark.parametrize(
    ("body", "options"),
    [(b'{"a":1}\nbroken', {}), (b"a,b\n1,2\n\xff,3\n", {"format": "csv"}), (b"one\n\xff", {"format": "lines"})],
)
def test_an_original_comes_back_with_its_time(tmp_path: Path, body: bytes, options: dict[str, Any]) -> None:
    """As fields again, without the task; what could not be read when it came is told."""
    (part,) = read(tmp_path, body, **options)
    (record,) = part.select(Plan(), Tally())
    again = revive(part.original(0))
    assert (again.time, again.nanos, again.fields, again.raw) == (record.time, record.nanos, record.fields, record.raw)
    with pytest.raises(SourceError, match="it came so"):
        revive(part.original(1))
    with pytest.raises(SourceError, match="no head"):
        revive(b"x\ny")


def test_another_format_is_no_heap_of_dead_letters(tmp_path: Path) -> None:
    """More than half of ten or more: a person must look."""
    with pytest.raises(Misconfigured, match=r"10 of 10 records cannot be read as ndjson .* or leave such objects out"):
        read(tmp_path, b"no json\n" * 10)
    assert len(read(tmp_path, b"no json\n" * 9)[0].unreadable) == 9


def test_a_document_without_its_envelope_is_lost_whole(tmp_path: Path) -> None:
    """It is told by its name, not taken for an empty one."""
    with pytest.raises(Expired, match=r"/a: the rest of it cannot be read: there is no array under 'Records'"):
        read(tmp_path, b'{"a":[1]}', format="json", envelope="Records")


def test_memory_does_not_grow_with_the_object(tmp_path: Path) -> None:
    """Eight times the bytes, the same peak."""
    store, peaks = open_store(f"folder:{tmp_path}"), []
    options = config.load(Config, {"bucket": f"folder:{tmp_path}", "format": "lines"})
    made = objects.build(options, Surroundings({}, Vault({})))
    wanted = Wanted(tmp_path.name, ("a",), "", 1.0, MARK)
    for size in (4_000, 32_000):
        store.put("a", gzip.compress(b"%s\n" % (b"x" * 999) * size, 1))
        tracemalloc.start()
        assert sum(part.count for part in made.holding(wanted, lambda: None).read("0", "5", f"6@{MARK}")) == size
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2


def test_positions_grow_along_a_slot() -> None:
    """Behind an object is where the next one begins; nothing else is a position."""
    made = objects.build(load(), Surroundings({}, Vault({}), lambda: 1_767_225_600.5))
    way = ["7", places.inside(7, 1, MARK), places.inside(7, (1 << 44) - 1, MARK), places.after(7, MARK)]
    assert [made.order(position) for position in way] == sorted(map(made.order, way))
    assert made.order(f"8@{MARK}") == made.order("8")
    assert made.position("0", "begin") == "1767225600500"
    assert (made.streams(), made.replays, made.progress, made.retention()) == ([], "by_key", "set", None)
    for text in ("", "x", "7+", "7@", "7+1@xyz", "-1"):
        with pytest.raises(SourceError, match="is not NUMBER"):
            made.order(text)
    with pytest.raises(Expired, match="is forgotten"):
        next(made.read("0", "7", "8"))
