"""The fault matrix checked: it is green over the engine, and red over engines that are broken on purpose."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from faults import course
from faults.cells import Cell, cells
from faults.defects import DEFECTS
from faults.harbour import Harbour

CELLS = {cell.name: cell for cell in cells(full=True)}


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    """One log store for all of these."""
    logging.disable(logging.CRITICAL)
    with ExitStack() as stack:
        yield Harbour(tmp_path_factory.mktemp("harbour"), stack)
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(
    "cell", [CELLS[name] for name in sorted({cell for _, cell, _ in DEFECTS.values()})], ids=lambda cell: cell.name
)
def test_the_engine_as_it_is_leaves_these_cells_green(harbour: Harbour, cell: Cell) -> None:
    """So that what makes them red below is the defect."""
    result = course.run(cell, harbour)
    assert result.problems == []
    assert result.records == result.delivered + result.parked + result.lost


@pytest.mark.parametrize("name", DEFECTS)
def test_a_broken_engine_makes_its_cell_red(harbour: Harbour, name: str) -> None:
    """Errors swallowed, a record dropped, dead letters not written, …: the row says what is wrong."""
    defect, cell, says = DEFECTS[name]
    result = course.run(CELLS[cell], harbour, defect)
    assert any(says in problem for problem in result.problems), result.problems
