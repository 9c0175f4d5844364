"""What the SQLite table promises beyond the contract: processes, forks, kills, its file and where it may lie."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.fakes.clock import Clock

from logferry import state
from logferry.errors import ConfigError, StateError
from logferry.state import sqlite

_ADD = """
import sys
from logferry import state
from logferry.errors import Conflict
table = state.open_table(sys.argv[1])
for step in range(int(sys.argv[2])):
    for attempt in range(10_000):
        item = table.get("p", "n")
        try:
            if item is None:
                table.put("p", "n", b"1", expect=None)
            else:
                table.put("p", "n", str(int(item.value) + 1).encode(), expect=item.version)
            break
        except Conflict:
            continue
    if "tell" in sys.argv:
        print(step, flush=True)
table.close()
"""
_FORK = """
import os, sys
from logferry import state
table = state.open_table(sys.argv[1])
table.put("p", "before", b"", expect=None)
to_child, to_parent = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    table.put("p", "child, parent open", b"", expect=None)
    os.write(to_parent[1], b"1")
    os.read(to_child[0], 1)
    table.put("p", "child, parent closed", b"", expect=None)
    os._exit(0)
os.read(to_parent[0], 1)
table.put("p", "parent", b"", expect=None)
table.close()
os.write(to_child[1], b"1")
assert os.waitpid(child, 0)[1] == 0
print("|".join(item.sort for item in table.list("p")))
table.close()
"""
_FORK_BUSY = """
import os, sys, threading, time
from logferry import state
table = state.open_table(sys.argv[1])
end = threading.Event()
def write(name):
    number = 0
    while not end.is_set():
        table.put(name, str(number), b"", expect=None)
        number += 1
        time.sleep(0.001)  # SQLite's waiting is a lottery: let the child win one
threads = [threading.Thread(target=write, args=(str(n),)) for n in range(4)]
for thread in threads: thread.start()
for number in range(20):
    child = os.fork()
    if child == 0:
        table.put("child", str(number), b"", expect=None)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
end.set()
for thread in threads: thread.join()
print(sum(1 for item in table.list("child")))
table.close()
"""


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def test_processes_lose_no_write(tmp_path: Path) -> None:
    """Four processes open a new file at once and count to 1,000 in it together: no write is lost."""
    url = f"sqlite:{tmp_path}/new/state.db"
    command = [sys.executable, "-c", _ADD, url, "250"]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    for process in processes:
        _out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err.decode()
    table = state.open_table(url)
    item = table.get("p", "n")
    table.close()
    assert item is not None
    assert item.value == b"1000"


def test_killed_process_loses_nothing_it_was_told(tmp_path: Path) -> None:
    """After kill -9 the count is the last one that was answered, or the one after it."""
    url = f"sqlite:{tmp_path}/state.db"
    command = [sys.executable, "-c", _ADD, url, "100000", "tell"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(30)]
        process.send_signal(signal.SIGKILL)
        told = int((lines + process.stdout.read().splitlines())[-1]) + 1
    table = state.open_table(url)
    item = table.get("p", "n")
    table.close()
    assert item is not None
    assert int(item.value) in (told, told + 1)


def test_fork_loses_nothing(tmp_path: Path) -> None:
    """Parent and child both write after a fork, one closes, and all rows are there."""
    done = _run(_FORK, f"sqlite:{tmp_path}/state.db")
    assert done.stdout.strip() == "before|child, parent closed|child, parent open|parent"


def test_fork_in_the_middle_of_other_threads_writes(tmp_path: Path) -> None:
    """A fork waits for the writes of other threads, and neither side is left locked."""
    assert _run(_FORK_BUSY, f"sqlite:{tmp_path}/state.db").stdout.strip() == "20"


def test_other_process_holding_the_lock_is_a_state_error(tmp_path: Path) -> None:
    """A write that cannot get its turn says so as something to try again; reads pass meanwhile."""
    table = state.open_table(f"sqlite:{tmp_path}/state.db")
    version = table.put("p", "a", b"one", expect=None)
    assert isinstance(table, sqlite.SqliteTable)
    with table._opened() as connection:
        connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateError, match="locked"):
        table.put("p", "a", b"two", expect=version)
    assert table.get("p", "a") == ("a", b"one", version)
    other.close()
    table.put("p", "a", b"two", expect=version)
    table.close()


def test_full_disk_is_a_state_error_and_changes_nothing(tmp_path: Path) -> None:
    """A write that finds no room raises StateError, the row stays, and the table works once there is room."""
    table = state.open_table(f"sqlite:{tmp_path}/state.db")
    version = table.put("p", "a", b"one", expect=None)
    assert isinstance(table, sqlite.SqliteTable)
    with table._opened() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StateError, match="full"):
        table.put("p", "a", b"x" * 100_000, expect=version)
    assert table.get("p", "a") == ("a", b"one", version)
    table.close()
    table.put("p", "a", b"x" * 100_000, expect=version)
    table.close()


def test_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """The file, its log and the directory made for it can be read by their owner alone."""
    table = state.open_table(f"sqlite:{tmp_path}/deep/state.db")
    table.put("p", "a", b"one", expect=None)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "deep").iterdir()}
    assert modes == {"state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700
    table.close()


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    """A file of a later release is left alone, with the way out."""
    state.open_table(f"sqlite:{tmp_path}/state.db").close()
    other = sqlite3.connect(tmp_path / "state.db")
    other.execute("PRAGMA user_version = 2")
    other.close()
    with pytest.raises(ConfigError, match=r"has schema 2, this release knows up to 1; upgrade logferry"):
        state.open_table(f"sqlite:{tmp_path}/state.db")


def test_foreign_database_is_refused(tmp_path: Path) -> None:
    """Another program's database gets no table of ours."""
    other = sqlite3.connect(tmp_path / "state.db")
    other.execute("CREATE TABLE theirs (a)")
    other.close()
    with pytest.raises(ConfigError, match="another program's database"):
        state.open_table(f"sqlite:{tmp_path}/state.db")


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A text file is not overwritten, and the error is not one to try again."""
    (tmp_path / "state.db").write_text("these are notes, not a database\n" * 100)
    with pytest.raises(ConfigError, match="not a database"):
        state.open_table(f"sqlite:{tmp_path}/state.db")
    assert (tmp_path / "state.db").read_text().startswith("these are notes")


@pytest.mark.parametrize("location", ["/proc/none/state.db", "/dev/null/state.db"])
def test_place_that_cannot_be_made_is_a_state_error(location: str) -> None:
    """Where no file can be made the system's own words are told."""
    with pytest.raises(StateError, match=r"sqlite:/.*(No such file|File exists)"):
        state.open_table(f"sqlite:{location}")


def test_expired_rows_do_not_pile_up(tmp_path: Path) -> None:
    """Writing rows that expire removes those that expired an hour ago, whatever their partition."""
    clock = Clock()
    table = state.open_table(f"sqlite:{tmp_path}/state.db", clock)
    for number in range(50):
        table.put("old", str(number), b"", expect=None, expires=clock.now + 1)
    table.put("old", "stays", b"", expect=None)
    clock.now += 3602
    table.put("new", "a", b"", expect=None, expires=clock.now + 1)
    table.close()
    other = sqlite3.connect(tmp_path / "state.db")
    assert other.execute("SELECT count(*) FROM rows").fetchone() == (2,)
    other.close()


def test_threads_share_one_connection(tmp_path: Path) -> None:
    """Threads come and go without leaving an open file behind."""
    table = state.open_table(f"sqlite:{tmp_path}/state.db")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # one number of the process, not a path to walk
    for number in range(20):
        thread = threading.Thread(target=table.put, args=("p", str(number), b""), kwargs={"expect": None})
        thread.start()
        thread.join()
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # noqa: PTH208  # the log file
    table.close()
