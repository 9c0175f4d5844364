"""What the folder store promises beyond the contract: kills, modes, links, and what else may lie there."""

import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from logferry import objects
from logferry.errors import ConfigError, StateError

_SIZE = 3_000_000
_WRITE = f"""
import sys
from logferry import objects
store = objects.open_store(sys.argv[1])
number = 0
while True:
    store.put(f"{{number % 7}}/{{number:06}}", bytes([number % 256]) * {_SIZE})
    store.put("same", bytes([number % 256]) * {_SIZE})
    print(number, flush=True)
    number += 1
"""


@pytest.mark.parametrize("seed", range(4))
def test_killed_writer_leaves_whole_objects_only(tmp_path: Path, seed: int) -> None:
    """After kill -9 at any moment each listed object is whole, and every answered put is there."""
    command = [sys.executable, "-c", _WRITE, f"folder:{tmp_path}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        time.sleep(random.Random(seed).uniform(0.0, 0.1))  # noqa: S311  # moments, not secrets
        process.send_signal(signal.SIGKILL)
        told = int((lines + process.stdout.read().splitlines())[-1])
    store = objects.open_store(f"folder:{tmp_path}")
    keys = list(store.list(""))
    assert keys == sorted(keys)
    for key in keys:
        body = store.get(key)
        assert body is not None
        assert len(body) == _SIZE
        assert len(set(body)) == 1
    assert {f"{number % 7}/{number:06}" for number in range(told + 1)} | {"same"} <= set(keys)


def test_half_written_object_is_neither_listed_nor_reachable(tmp_path: Path) -> None:
    """What lies in the folder of half-written objects is no key, and no key can lead there."""
    store = objects.open_store(f"folder:{tmp_path}")
    store.put("a", b"one")
    (tmp_path / ".partial/half").write_bytes(b"o")
    assert list(store.list("")) == ["a"]
    assert list(store.list(".partial")) == []
    with pytest.raises(ConfigError, match="half written"):
        store.get(".partial/half")


def test_leftovers_go_a_day_later(tmp_path: Path) -> None:
    """The first put removes half-written objects of a day ago, not those of another writer now."""
    partial = tmp_path / ".partial"
    partial.mkdir()
    for name, age in (("old", 90_000), ("new", 80_000)):
        (partial / name).write_bytes(b"o")
        os.utime(partial / name, (time.time() - age,) * 2)
    objects.open_store(f"folder:{tmp_path}").put("a", b"one")
    assert [path.name for path in partial.iterdir()] == ["new"]


def test_failed_put_leaves_nothing_behind(tmp_path: Path) -> None:
    """A put that cannot be placed removes its half-written file."""
    store = objects.open_store(f"folder:{tmp_path}")
    store.put("a/b", b"one")
    with pytest.raises(ConfigError, match="cannot be the folder of another"):
        store.put("a", b"two")
    with pytest.raises(ConfigError, match="cannot be the folder of another"):
        store.put("a/b/c", b"two")
    assert list((tmp_path / ".partial").iterdir()) == []
    assert list(store.list("")) == ["a/b"]


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    """Logs are nobody else's business: files 0600, directories 0700, whatever the umask."""
    before = os.umask(0)
    try:
        objects.open_store(f"folder:{tmp_path}/deep").put("a/b/c", b"one")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "deep").rglob("*")}
    assert modes == {".partial": 0o700, "a": 0o700, "b": 0o700, "c": 0o600}


def test_what_others_put_there_does_no_harm(tmp_path: Path) -> None:
    """Names that are no keys, links in a circle, pipes: left out of the list, which still comes complete."""
    store = objects.open_store(f"folder:{tmp_path}")
    store.put("a", b"one")
    store.put("b/c", b"two")
    (tmp_path / os.fsdecode(b"\xff")).write_bytes(b"")
    (tmp_path / "line\nbreak").write_bytes(b"")
    (tmp_path / "b/circle").symlink_to(tmp_path)
    (tmp_path / "b/dangling").symlink_to(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe")
    assert list(store.list("")) == ["a", "b/c"]


def test_nothing_is_made_before_the_first_put(tmp_path: Path) -> None:
    """Looking into a store that is not there finds nothing and makes nothing."""
    store = objects.open_store(f"folder:{tmp_path}/none")
    assert store.get("a") is None
    assert list(store.list("")) == []
    store.delete("a")
    assert not (tmp_path / "none").exists()


def test_place_that_cannot_be_written_is_a_state_error() -> None:
    """The system's refusal is told with the path."""
    store = objects.open_store("folder:/proc/none")
    with pytest.raises(StateError, match=r"folder:/proc/none/a: No such file"):
        store.put("a", b"one")


def test_full_disk_is_a_state_error_and_keeps_the_old_object(tmp_path: Path) -> None:
    """A write that finds no room leaves the object as it was, and no half of the new one."""
    program = """
import resource, signal, sys
from logferry import objects
from logferry.errors import StateError
store = objects.open_store(sys.argv[1])
store.put("a", b"old")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    store.put("a", b"x" * 2000)
except StateError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, f"folder:{tmp_path}"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "File too large" in done.stdout
    assert objects.open_store(f"folder:{tmp_path}").get("a") == b"old"
    assert list((tmp_path / ".partial").iterdir()) == []
