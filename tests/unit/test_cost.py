"""What a GB costs: the formula, worked by hand."""

import pytest
from bench.cost import formula
from bench.cost.formula import Place, Work

WORK = Work(
    cpu_call=0.02, cpu_gb=20.0, pulls_gb=100.0, asks_call=3.0, sends_gb=1000.0, reads_call=8.0, writes_call=2.0,
    writes_gb=10.0, packed=0.3,
)  # fmt: skip


def test_seconds_are_computing_and_waiting() -> None:
    """100 calls of 10 MB: 22 CPU-s at half a CPU, and 1,300 + 1,110 requests of 10 ms."""
    assert formula.seconds(WORK, Place(512, 0.5, 0.01, 0.01)) == pytest.approx(44 + 24.1)


def test_a_second_cpu_is_of_no_use() -> None:
    """One thread computes."""
    one, two = (formula.seconds(WORK, Place(2048, vcpu, 0.01, 0.0)) for vcpu in (1.0, 2.0))
    assert one == two == pytest.approx(22)


def test_lambda_bills_memory_by_time_and_each_call() -> None:
    """A whole CPU at 1,769 MB."""
    cost = formula.aws(WORK, 1769, 0.01, 0.0)
    assert cost.seconds == pytest.approx(22)
    assert cost.compute == pytest.approx(22 * 1769 / 1024 * 0.0000166667)
    assert cost.calls == pytest.approx(100 * 0.0000002)
    assert cost.table == pytest.approx(800 * 0.000000125 + 210 * 0.000000625)
    assert cost.whole == pytest.approx(cost.compute + cost.calls + cost.table)


def test_function_compute_bills_units() -> None:
    """CPUs and memory by time, 75 units for 10,000 calls, and the log service's traffic as it is compressed."""
    cost = formula.fc(WORK, Place(1024, 1.0, 0.01, 0.0))
    assert cost.compute == pytest.approx(22 * 1.15 * 0.00002)
    assert cost.calls == pytest.approx(0.75 * 0.00002)
    assert cost.log_service == pytest.approx(0.3 * 0.045)


def test_every_price_is_positive() -> None:
    """And the page says of when they are."""
    found = formula.prices()
    assert found["as_of"]
    assert all(price > 0 for cloud in ("aws", "fc") for price in found[cloud].values())
