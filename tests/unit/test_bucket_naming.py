"""What objects are called: readable, in their folder, one name an origin."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logferry.buckets import naming
from logferry.buckets.naming import DATE_NAMES, PATH_NAMES, Naming
from logferry.model import Origin

ORIGIN = Origin("0", "MTc3NDQyNjUzMA==", 1774426530)
ANY = st.text(max_size=300)
PATHS = st.lists(st.sampled_from(["logs", "{task}", "a b", "é", "x.y", ".hidden", "..."]), max_size=4).map("/".join)
DATES = st.lists(st.sampled_from([f"{{{name}}}" for name in DATE_NAMES] + ["dt={yyyy}-{MM}"]), max_size=4).map("/".join)


def test_the_name_is_made_of_the_origin() -> None:
    """Time, task, stream, cursor, first record and CRC-32 of the body, below the path and the day in UTC."""
    key = Naming("waf-to-s3", "logs/waf", "{yyyy}/{MM}/{dd}", ".ndjson.gz").key(ORIGIN, 7, b"123456789")
    assert (
        key == "logs/waf/2026/03/25/20260325T081530Z__waf-to-s3__0__MTc3NDQyNjUzMA_3D_3D__00000007__cbf43926.ndjson.gz"
    )


def test_an_empty_path_is_the_root() -> None:
    """No slash at the beginning, with or without folders of dates."""
    assert Naming("t", "", "{yyyy}", ".csv").key(ORIGIN, 0, b"").startswith("2026/2026")
    assert Naming("t", "", "", ".csv").key(ORIGIN, 0, b"").startswith("20260325T")


@pytest.mark.parametrize("path", ["logs", "logs/"])
def test_one_slash_at_the_end_of_a_path_changes_nothing(path: str) -> None:
    """As people write folders."""
    assert Naming("t", path, "", ".csv").key(ORIGIN, 0, b"").startswith("logs/2026")


def test_placeholders_are_filled() -> None:
    """Every one that is documented."""
    form = "{task}/{stream}/dt={yyyy}-{MM}-{dd}/{HH}{mm}"
    assert Naming("t", "a/{task}", form, "").key(ORIGIN, 0, b"").startswith("a/t/t/0/dt=2026-03-25/0815/2026")


@settings(max_examples=60)
@given(task=ANY, stream=ANY, begin=ANY, path=PATHS, date_path=DATES, time=st.integers(0, 2**33))
def test_no_origin_leaves_its_folder_or_makes_a_key_that_is_none(
    task: str, stream: str, begin: str, path: str, date_path: str, time: int
) -> None:
    """Whatever task, stream and cursor are: at most 1,024 bytes, no empty part, no dots, no control character."""
    if naming.mistake(path, PATH_NAMES, date_path) or naming.mistake(date_path, DATE_NAMES):
        return
    names = Naming(task, path, date_path, ".ndjson.gz")
    key = names.key(Origin(stream, begin, time), 2**31, b"")
    assert len(key.encode()) <= 1024
    assert all(part not in ("", ".", "..") and len(part.encode()) <= 255 for part in key.split("/"))
    assert key.isprintable()
    assert key.startswith(names.folder)
    assert key.count("/") == "/".join(filter(None, (path, date_path, "name"))).count("/")


@settings(max_examples=60)
@given(one=st.tuples(ANY, ANY, ANY), other=st.tuples(ANY, ANY, ANY))
def test_two_origins_have_two_names(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    """Else one would write the other over, and records would be lost."""
    keys = {Naming(task, "", "", "").key(Origin(stream, begin, 0), 0, b"") for task, stream, begin in (one, other)}
    assert len(keys) == len({one, other})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a__b", "c"), ("a", "b__c")), (("a_", "b"), ("a", "_b")), (("a/b", "c"), ("a_2Fb", "c")),
        (("x" * 64, "c"), ("x" * 65, "c")), (("", "a"), ("a", "")), (("é", "a"), ("e\u0301", "a")),
    ],
)  # fmt: skip
def test_neighbours_do_not_share_a_name(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Separators and escapes inside of names do not run together."""
    first, second = (Naming("t", "", "", "").key(Origin(*pair, 0), 0, b"") for pair in (one, other))
    assert first != second


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("../other", "a . or a .."), ("a/../b", "a . or a .."), ("a/./b", "a . or a .."), ("a//b", "empty part"),
        ("/a", "begins with a slash"), ("/", "begins with a slash"), ("a\\b", "backslash"), ("a\nb", "cannot be seen"),
        ("a\x00", "cannot be seen"), ("a\u202eb", "cannot be seen"), ("a\ud800", "cannot be seen"),
        ("{site}", "{site} is not one of {task}"), ("{yyyy}", "is not one of"), ("a{", "brace"), ("}a", "brace"),
        ("{{task}}", "brace"), ("a//", "empty part"), ("x" * 256, "255 for each part"),
        ("/".join(["x" * 200] * 4), "are left of a key's 1024"), ("é" * 128, "256 bytes long"),
    ],
)  # fmt: skip
def test_paths_that_are_none_are_refused(path: str, says: str) -> None:
    """Traversal, absolute paths, unseen characters, unknown placeholders, too many bytes."""
    assert says in (naming.mistake(path, PATH_NAMES) or "")


@pytest.mark.parametrize("path", ["", "logs", "logs/", "a b/ü", "{task}", "x=1/y", "...", "~/a", "a%2Fb", "a" * 255])
def test_paths_that_are_some_are_taken(path: str) -> None:
    """S3 takes nearly everything."""
    assert naming.mistake(path, PATH_NAMES) is None


def test_plain_names_stay_as_they_are() -> None:
    """A person recognises the task."""
    plain = string.ascii_letters[:20] + "-.9"
    assert f"__{plain}__" in Naming(plain, "", "", "").key(ORIGIN, 0, b"")
