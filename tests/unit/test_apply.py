"""Deleting a task while somebody works for it, and tables of tasks on a terminal."""

import pytest
from tests.fakes.engine import Clock

from logferry import apply, state, task
from logferry.errors import ConfigError, Conflict
from logferry.health import Holds
from logferry.ledger import Ledger, Open
from logferry.state import Table
from logferry.task_store import TaskStore
from logferry_local import task_view


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Table:
    """A table with the task `waf`, which has a row and is held."""
    made = state.open_table(f"memory:{request.node.nodeid}")
    source = {"sls": {"endpoint": "http://127.0.0.1:1", "project": "waf-project", "logstore": "waf-logs"}}
    destination = {"syslog_server": {"host": "127.0.0.1", "port": 514}}
    TaskStore(made, Clock()).apply(task.load({"task": "waf", "source": source, "destination": destination}))
    Ledger(made).create("waf", "0", "0")
    Holds(made).hold("waf", "401", 0.0)
    return made


def test_delete_leaves_no_row_behind(table: Table) -> None:
    """Neither task, nor ledger, nor hold."""
    apply.delete("waf", table, Clock())
    assert [list(table.list(partition)) for partition in ("tasks", "ledger/waf", "health")] == [[], [], []]
    with pytest.raises(ConfigError, match="'waf' is not a task; known: none"):
        apply.delete("waf", table, Clock())


def test_a_run_under_way_stops_at_its_next_save(table: Table) -> None:
    """Its row is gone, and it does not write a new one."""
    claim = Ledger(table).claim("waf", "0", Open(begin="0", end="9", task_version=1), now=1.0, until=60.0)
    assert claim is not None
    apply.delete("waf", table, Clock())
    with pytest.raises(Conflict):
        claim.save(claim.row)
    assert list(table.list("ledger/waf")) == []


class Busy:
    """A table in which somebody saves a ledger row just before each of the first deletes."""

    def __init__(self, table: Table, saves: int) -> None:
        self._table = table
        self.saves = saves

    def __getattr__(self, name: str) -> object:
        return getattr(self._table, name)

    def delete(self, partition: str, sort: str, *, expect: str) -> None:
        """The real delete, after the other one's save."""
        item = self._table.get(partition, sort)
        if partition.startswith("ledger/") and item and self.saves:
            self.saves -= 1
            self._table.put(partition, sort, item.value, expect=item.version)
        self._table.delete(partition, sort, expect=expect)


def test_delete_outlasts_a_run_that_saves_meanwhile(table: Table) -> None:
    """A few lost races are read again."""
    busy = Busy(table, saves=3)
    apply.delete("waf", busy, Clock())  # type: ignore[arg-type]  # the rest is passed on
    assert (busy.saves, list(table.list("ledger/waf"))) == (0, [])


def test_delete_gives_up_in_the_end_and_the_task_is_off_line(table: Table) -> None:
    """So nobody starts new work on it, and the delete can be repeated."""
    with pytest.raises(Conflict):
        apply.delete("waf", Busy(table, saves=99), Clock())  # type: ignore[arg-type]  # as above
    assert TaskStore(table, Clock()).get("waf").state == "offline"


def test_a_terminal_gets_a_table_and_a_pipe_gets_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Values are never taken for markup."""
    rows = [("waf", "[red]online[/red]")]
    task_view.print_rows(("task", "state"), rows, terminal=True)
    drawn = capsys.readouterr().out
    assert all(text in drawn for text in ("task", "state", "waf", "[red]online[/red]"))
    task_view.print_rows(("task", "state"), rows, terminal=False)
    assert capsys.readouterr().out == "waf\t[red]online[/red]\n"
