"""What every object store promises, asked of every file in `objects/`."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from logferry import objects
from logferry.errors import ConfigError, StateError
from logferry.objects import Store, Streams

BAD_KEYS = [
    *("", "/", "/etc/passwd", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.", "./a", "a/./b"),
    *("a\nb", "a\x00b", "a\x7fb", "a\x85b", "\ud800", "x" * 256, "é" * 128, "a/" * 450 + "a"),
]


def test_object_is_read_as_it_was_written(store: Store, part: str) -> None:
    """Bytes come back as they were, also from another opening."""
    store.put(f"{part}/a/b.json", b"one")
    assert store.get(f"{part}/a/b.json") == b"one"


def test_other_opening_sees_it(store: Store, store_url: str, part: str) -> None:
    """The object is in the store, not in the opening."""
    store.put(part, b"one")
    assert objects.open_store(store_url).get(part) == b"one"


def test_absent_object_is_none(store: Store, part: str) -> None:
    """A key nobody wrote is none, and so is the folder of another key."""
    assert store.get(part) is None
    store.put(f"{part}/a", b"one")
    assert store.get(part) is None
    assert store.get(f"{part}/a/b") is None


def test_put_overwrites(store: Store, part: str) -> None:
    """The last write counts, shorter or longer."""
    for body in (b"first", b"2", b"the third one"):
        store.put(part, body)
        assert store.get(part) == body


@pytest.mark.parametrize("size", [0, 1, 5 * 1024 * 1024 + 1])
def test_any_bytes_of_any_size_are_kept(store: Store, part: str, size: int) -> None:
    """None, one, or more than 5 MB: byte for byte."""
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    store.put(part, body)
    assert store.get(part) == body


def test_body_over_the_limit_is_refused(store: Store, part: str) -> None:
    """One byte more than 64 MiB is refused before anything is written."""
    with pytest.raises(ConfigError, match="67108865 bytes is more than 67108864"):
        store.put(part, bytes(64 * 1024 * 1024 + 1))
    assert store.get(part) is None


def test_delete_is_repeatable(store: Store, part: str) -> None:
    """Deleted is gone; deleting what is not there, or is another key's folder, does nothing."""
    store.put(f"{part}/a", b"one")
    store.delete(part)
    assert store.get(f"{part}/a") == b"one"
    store.delete(f"{part}/a")
    store.delete(f"{part}/a")
    store.delete(f"{part}/none/at/all")
    assert store.get(f"{part}/a") is None
    assert list(store.list(f"{part}/")) == []


def test_list_is_sorted_and_takes_any_prefix(store: Store, part: str) -> None:
    """Keys come by code point of the whole key; a prefix may end inside a name."""
    names = ["a-b", "a.txt", "a0", "ab/c", "ab/c.d/e", "b/1", "b/10", "b/9", "ü/x", "B", ".hidden", "a/.b"]
    for name in names:
        store.put(f"{part}/{name}", b"")
    found = sorted(f"{part}/{name}" for name in names)
    assert list(store.list(f"{part}/")) == found
    assert list(store.list(part)) == found
    assert list(store.list(part[:-1])) == found
    for prefix in ("a", "ab", "ab/", "ab/c", "ab/c.", "ab/c.d/e", "b/1", "z", "a/", "."):
        assert list(store.list(f"{part}/{prefix}")) == [key for key in found if key.startswith(f"{part}/{prefix}")]


def test_empty_prefix_lists_everything(store: Store, part: str) -> None:
    """No prefix is all keys, sorted."""
    store.put(f"{part}/a", b"")
    store.put(f"zz-{part}", b"")
    found = list(store.list(""))
    assert {f"{part}/a", f"zz-{part}"} <= set(found)
    assert found == sorted(found)


def test_list_passes_many_pages(store: Store, part: str) -> None:
    """More keys than one answer holds come complete, in order."""
    keys = [f"{part}/{number // 100}/{number:04}" for number in range(1_100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put(key, b""), keys))
    assert list(store.list(f"{part}/")) == sorted(keys)


@pytest.mark.parametrize(
    "name", ["a b", "a+b", "%2F", "ключ", "😀", "#?&=;:@", "'\"\\", "*", "x" * 255, ".a", "..a", "a."]
)
def test_key_may_hold_any_printable_character(store: Store, part: str, name: str) -> None:
    """Spaces, reserved characters and any script come back as they were."""
    store.put(f"{part}/{name}/{name}", b"one")
    assert store.get(f"{part}/{name}/{name}") == b"one"
    assert list(store.list(f"{part}/{name}")) == [f"{part}/{name}/{name}"]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_key_that_no_store_takes_is_refused(store: Store, key: str) -> None:
    """Absolute, climbing, empty parts, control characters, too long: refused by each call, and not to be retried."""
    for call in (store.get, store.delete, lambda key: store.put(key, b"")):
        with pytest.raises(ConfigError) as caught:
            call(key)
        assert not isinstance(caught.value, StateError)


@pytest.mark.parametrize("prefix", ["/", "/etc", "a//", "../", "a/../", "a\n", "./"])
def test_prefix_that_no_key_has_is_refused(store: Store, prefix: str) -> None:
    """A prefix that climbs out, or that no key can start with, is a mistake and not an empty list."""
    with pytest.raises(ConfigError):
        store.list(prefix)


def test_writers_of_one_key_leave_one_whole_object(store: Store, part: str) -> None:
    """While eight writers overwrite one key, every read is one of their bodies, whole."""
    bodies = [bytes([65 + number]) * 100_000 for number in range(8)]
    store.put(part, bodies[0])

    def put(body: bytes) -> None:
        for left in range(3, -1, -1):
            try:
                return store.put(part, body)
            except StateError:  # may pass if tried again: moto trips over itself now and then
                if not left:
                    raise
        return None

    with ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(put, bodies[number % 8]) for number in range(64)]
        while not all(write.done() for write in writes):
            assert store.get(part) in bodies
        for write in writes:
            write.result()
    assert store.get(part) in bodies
    assert list(store.list(part)) == [part]


@pytest.mark.parametrize("begin", [0, 1, 300_000, 999_999])
def test_object_is_streamed_from_any_place(store: Streams, part: str, begin: int) -> None:
    """Piece by piece, to its last byte, with the size of the whole."""
    body = bytes(range(250)) * 4_000
    store.put(part, body)
    content = store.stream(part, begin)
    assert content is not None
    pieces = list(iter(lambda: content.read(70_000), b""))
    content.close()
    assert b"".join(pieces) == body[begin:]
    assert max(map(len, pieces)) <= 70_000
    assert content.size == len(body)


def test_stream_ends_where_nothing_is(store: Streams, part: str) -> None:
    """An empty object has no bytes; an absent one is none."""
    store.put(part, b"")
    content = store.stream(part)
    assert content is not None
    assert (content.read(10), content.size) == (b"", 0)
    content.close()
    assert store.stream(f"{part}-absent") is None


def test_other_bytes_have_another_etag(store: Streams, part: str) -> None:
    """The same object has the same one each time; it tells what was put anew under the same key."""

    def tag() -> str:
        content = store.stream(part)
        assert content is not None
        content.close()
        return content.etag

    store.put(part, b"one")
    first = tag()
    assert first == tag() == first.lower().strip('"')
    store.put(part, b"other")
    assert tag() != first


def test_stream_that_was_begun_reads_one_object(store: Streams, part: str) -> None:
    """What is put under the key meanwhile is another object: never half of each."""
    store.put(part, b"a" * 200_000)
    content = store.stream(part)
    assert content is not None
    head = content.read(10)
    store.put(part, b"b" * 200_000)
    rest = b"".join(iter(lambda: content.read(65_536), b""))
    content.close()
    assert head + rest == b"a" * 200_000


@pytest.mark.parametrize("key", ["", "x" * 1_025])
def test_stream_of_what_is_no_key_is_refused(store: Streams, key: str) -> None:
    """None, or longer than any store has."""
    with pytest.raises(ConfigError):
        store.stream(key)
