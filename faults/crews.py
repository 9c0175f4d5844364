"""Cells in parallel: each process has its own harbour; what goes wrong in a cell is that cell's row."""

import logging
import multiprocessing
import multiprocessing.util
import os
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path

from faults import course
from faults.cells import Cell
from faults.harbour import Harbour
from faults.verdict import Result

__all__ = ["results"]

_HARBOURS: list[Harbour] = []  # this process's, once it has one


def results(cells: Sequence[Cell], jobs: int) -> Iterator[Result]:
    """A row for each cell, in the order in which they are done."""
    spawn = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as folder,
        ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_begin, initargs=(folder,)) as crews,
    ):
        yield from (future.result() for future in as_completed([crews.submit(_one, cell) for cell in cells]))


def _begin(folder: str) -> None:
    logging.disable(logging.CRITICAL)  # the engine reports every fault, which is the point; the rows say the rest
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    stack = ExitStack()
    own = Path(folder) / str(os.getpid())
    own.mkdir()
    _HARBOURS.append(Harbour(own, stack))
    multiprocessing.util.Finalize(stack, stack.close, exitpriority=10)  # at the process's end


def _one(cell: Cell) -> Result:
    try:
        return course.run(cell, _HARBOURS[0])
    except Exception:  # noqa: BLE001  # a cell that breaks is a red row, not the end of the others
        return Result(
            cell=cell.name, way=cell.way.name, fault=cell.fault.name, confirmation=cell.way.confirmation,
            problems=[traceback.format_exc(limit=-4)],
        )  # fmt: skip
