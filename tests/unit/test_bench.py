"""The benchmarks run, on next to nothing; how fast anything is, no test says."""

from pathlib import Path

import msgspec
import pytest
from bench import __main__ as bench
from bench import measure, report
from bench.scale import TINY

LINUX = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from Linux's /proc")


@pytest.mark.parametrize("case", [pytest.param(name, marks=LINUX if name == "memory" else ()) for name in bench.CASES])
def test_each_case_gives_rows_for_each_kind_of_logs(case: str) -> None:
    """Every way of a case is a JSON row with a figure above nothing."""
    rows = msgspec.json.decode(msgspec.json.encode(list(bench.run([case], TINY))), type=list[measure.Row])
    assert {row.corpus for row in rows} == set(bench.CASES[case][1])
    assert {row.case for row in rows} == {case}
    assert all(row.value > 0 and row.unit for row in rows)


def test_a_target_is_met_or_missed() -> None:
    """The verdict follows from the measured figure, in both directions."""
    assert [measure.judge("x", value, at_least=2).met for value in (2.0, 1.9)] == [True, False]
    assert [measure.judge("x", value, at_most=2).met for value in (2.0, 2.1)] == [True, False]
    assert measure.judge("x", 1.0).met is None


def test_the_page_gets_the_table_between_its_marks(tmp_path: Path) -> None:
    """What stands around the table stays, what stood in its place goes."""
    row = measure.Row(case="hec", corpus="waf", way="ours", value=3.14159, unit="MB/CPU-s")
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- made by `make bench`: begin -->\nold\n<!-- made by `make bench`: end -->\nbelow\n")
    report.put_into(page, report.Report(machine=report.machine(), rows=[row]))
    text = page.read_text()
    assert text.startswith("above\n")
    assert text.endswith("below\n")
    assert "| hec | waf | ours | 3.14 MB/CPU-s |" in text
    assert "old" not in text
