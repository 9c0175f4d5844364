"""Events of object stores, and the configuration bucket that they may only match."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry import put_events, task_files
from logferry.errors import ConfigError, LogferryError
from logferry.put_events import Put

ROOT = Path(__file__).parents[2]


def sample(name: str) -> Any:  # noqa: ANN401  # JSON
    """A sample event."""
    return json.loads((ROOT / "events/prove_ownership" / name).read_text())


def s3(key: str, name: str = "ObjectCreated:Put", bucket: str = "logferry-tasks", size: object = 312) -> Any:  # noqa: ANN401  # JSON
    """One record of S3."""
    return {"eventName": name, "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": size}}}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("object_created.fc.json", [Put("logferry-tasks", ("waf-to-s3.yaml",), 312)]),
        ("multipart_upload.fc.json", [Put("logferry-tasks", ("waf-to-s3.yaml",), 312)]),
        ("object_created.aws.json", [Put("logferry-tasks", ("waf-to-s3.yaml",), 312)]),
        ("object_removed.aws.json", []),
        ("test_message.aws.json", []),
    ],
)
def test_sample_events(name: str, found: list[Put]) -> None:
    """Creations are puts; a delete and a test message are none."""
    assert put_events.parse(sample(name)) == found


@pytest.mark.parametrize(
    "name", ["ObjectCreated:Put", "s3:ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload"]
)
def test_every_sort_of_creation_counts(name: str) -> None:
    """With the prefix that some services write, and without."""
    assert len(put_events.parse({"Records": [s3("a.yaml", name)]})) == 1


@pytest.mark.parametrize("name", ["ObjectRemoved:Delete", "ObjectRestore:Completed", "LifecycleExpiration:Delete"])
def test_nothing_else_is_a_put(name: str) -> None:
    """Whatever happened to the object."""
    assert put_events.parse({"Records": [s3("a.yaml", name)]}) == []


def test_several_records_come_in_order() -> None:
    """S3 may batch them, OSS too."""
    assert [put.keys[0] for put in put_events.parse({"Records": [s3("b.yaml"), s3("a.yaml")]})] == ["b.yaml", "a.yaml"]


def test_keys_of_s3_are_decoded() -> None:
    """Plus is a blank, percent signs are bytes of UTF-8."""
    (put,) = put_events.parse({"Records": [s3("my+tasks/%C3%A4%2Bb.yaml")]})
    assert put.keys == ("my tasks/ä+b.yaml",)


def test_keys_of_oss_are_read_both_ways() -> None:
    """As it stands first: whether OSS encodes is not documented."""
    event = sample("object_created.fc.json")
    event["events"][0]["oss"]["object"]["key"] = "a%2Bb+c.yaml"
    (put,) = put_events.parse(event)
    assert put.keys == ("a%2Bb+c.yaml", "a+b c.yaml")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ([], "a list, expected an event of S3"),
        ({}, "has neither Records"),
        ({"Records": {}}, "has neither Records"),
        ({"Records": [{}]}, r"Records\[0\]: expected eventName, s3.bucket.name, s3.object.key"),
        ({"Records": [7]}, r"Records\[0\]"),
        ({"Records": [s3("a"), {"eventName": "ObjectCreated:Put", "s3": {}}]}, r"Records\[1\]"),
        ({"Records": [s3(7)]}, r"Records\[0\]"),  # type: ignore[arg-type]  # not a text, on purpose
        ({"events": [s3("a")]}, r"events\[0\]"),
        ({"Records": [s3("a")] * 1001}, "1001 records, at most 1000"),
    ],
)
def test_what_is_no_such_event_is_told(event: object, said: str) -> None:
    """By its path, and nothing is done for the rest."""
    with pytest.raises(ConfigError, match=said):
        put_events.parse(event)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Records", "events", "eventName", "s3", "oss", "bucket", "object", "name", "key", "size"]),
            inner | st.just("ObjectCreated:Put"),
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(event=JSON)
def test_any_json_is_puts_or_a_mistake(event: object) -> None:
    """Never another error."""
    try:
        found = put_events.parse(event)
    except ConfigError:
        return
    assert all(isinstance(put.bucket, str) and put.keys for put in found)


def files(folder: Path, prefix: str = "") -> task_files.TaskFiles:
    """The bucket, with one file."""
    (folder / "logferry-tasks").mkdir(exist_ok=True)
    (folder / "logferry-tasks/a.yaml").write_text("task: x")
    (folder / "secret.yaml").write_text("not yours")
    made = task_files.open_files({"LOGFERRY_TASKS": f"folder:{folder}/logferry-tasks"})
    return made._replace(prefix=prefix)


@pytest.mark.parametrize(
    ("place", "bucket", "prefix"),
    [
        ("folder:/srv/my-tasks/", "my-tasks", ""),
        ("s3:tasks?region=eu-west-1", "tasks", ""),
        ("s3:tasks/deep/er/?region=eu-west-1", "tasks", "deep/er/"),
        ("oss:tasks/x?region=cn-hangzhou", "tasks", "x/"),
    ],
)
def test_the_bucket_is_the_configured_one(place: str, bucket: str, prefix: str) -> None:
    """By its name and prefix, whatever keeps it."""
    made = task_files.open_files({"LOGFERRY_TASKS": place})
    assert (made.bucket, made.prefix) == (bucket, prefix)


def test_an_oss_bucket_wants_its_region() -> None:
    """Or an endpoint."""
    with pytest.raises(ConfigError, match="region: is missing, expected one such as cn-hangzhou"):
        task_files.open_files({"LOGFERRY_TASKS": "oss:tasks"})


@pytest.mark.parametrize("bucket", ["other", "", "logferry-tasks2", "LOGFERRY-TASKS", "../logferry-tasks"])
def test_a_foreign_bucket_is_refused(tmp_path: Path, bucket: str) -> None:
    """The event may only match the configuration."""
    with pytest.raises(ConfigError, match="is not 'logferry-tasks', where task files are"):
        files(tmp_path).is_meant(Put(bucket, ("a.yaml",), 1))


@pytest.mark.parametrize(
    "key",
    [
        "../secret.yaml", "/etc/passwd.yaml", "a/../../secret.yaml", "..\\secret.yaml", "./a.yaml", "a//b.yaml",
        "nul\0.yaml", "line\n.yaml", ".partial/x.yaml", "x" * 2000 + ".yaml", "\udc80.yaml",
    ],
)  # fmt: skip
def test_path_tricks_read_nothing(tmp_path: Path, key: str) -> None:
    """Refused, or simply not there; never a file beside the folder."""
    made, put = files(tmp_path), Put("logferry-tasks", (key,), 1)
    try:
        found = made.read(put) if made.is_meant(put) else None
    except LogferryError:
        return
    assert found is None


def test_a_key_beside_the_prefix_is_refused(tmp_path: Path) -> None:
    """And one that climbs out of it."""
    made = files(tmp_path, "deep/")
    with pytest.raises(ConfigError, match="is not below 'deep/'"):
        made.is_meant(Put("logferry-tasks", ("a.yaml",), 1))
    with pytest.raises(ConfigError, match="object key"):
        made.read(Put("logferry-tasks", ("deep/../a.yaml",), 1))


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """By what the event says."""
    with pytest.raises(ConfigError, match="1048577 bytes, at most 1048576"):
        files(tmp_path).read(Put("logferry-tasks", ("a.yaml",), 1_048_577))


def test_other_endings_are_no_task_files(tmp_path: Path) -> None:
    """Such as a token that is written into the same bucket: no loop comes of it."""
    assert not files(tmp_path).is_meant(Put("logferry-tasks", ("ownership-challenge-1.txt",), 1))
    assert files(tmp_path).is_meant(Put("logferry-tasks", ("a.json",), 1))


def test_a_key_of_oss_that_is_encoded_is_found(tmp_path: Path) -> None:
    """The second reading, if the first is not there."""
    made = files(tmp_path)
    (tmp_path / "logferry-tasks/a b.yaml").write_text("task: y")
    assert made.read(Put("logferry-tasks", ("a%20b.yaml", "a b.yaml"), 1)) == b"task: y"
    assert made.read(Put("logferry-tasks", ("gone.yaml",), 1)) is None
