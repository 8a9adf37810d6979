"""Recalculation of a workbook by other people's engines, each in a child process with limits.

IronCalc comes with the package and knows LET and LAMBDA. LibreOffice, where it is installed, is the second opinion.
Both can kill their process on a hostile file, so neither ever runs in ours.
"""

from __future__ import annotations

import json
import math
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

from xl_econ.core.errors import UsageError, WorkbookError, nearest

from . import child
from .cell import At, address, cell_at
from .preflight import preflight
from .read import Address, FormulaCell
from .values import Place, Rectangle, places, unpacked

MEMORY = {"ironcalc": 4 << 30, "libreoffice": 12 << 30}  # LibreOffice reserves far more address space than it uses
LEAST = {"ironcalc": 20, "libreoffice": 120}  # seconds that any workbook has
ENGINES = tuple(MEMORY)
CANCELLATION = 1e-15


class Difference(NamedTuple):
    """A formula whose stored value is not what an engine computes."""

    sheet: str
    cell: str
    formula: str
    stored: Any
    computed: Any


def libreoffice() -> str | None:
    """Path of LibreOffice's program, or None where it is not installed."""
    return shutil.which("soffice") or shutil.which("libreoffice")


def recalculate(
    path: Path, engine: str = "ironcalc", seconds: float | None = None, filled: Iterable[Address] = ()
) -> dict[Address, Any]:
    """The value of every formula cell by sheet and address; see `computed`."""
    found = computed(path, engine, seconds, filled)
    return {(sheet, address(At(row, column))): value for (sheet, row, column), value in found.items()}


def computed(
    path: Path,
    engine: str = "ironcalc",
    seconds: float | None = None,
    filled: Iterable[Address] = (),
) -> dict[Place, Any]:
    """The value of every formula cell, as `engine` computes it afresh.

    Args:
        path: The workbook; it is only read.
        engine: "ironcalc" or "libreoffice".
        seconds: Time limit; it grows with the workbook if None.
        filled: Cells without a formula of their own that an array formula fills (IronCalc only).

    Returns:
        Numbers, texts and truth values by sheet, row and column; an error value is its text.

    Raises:
        UsageError: No such engine.
        WorkbookError: The engine is not installed, cannot load the file, died or took too long.
    """
    wanted = [(sheet, *cell_at(cell)) for sheet, cell in filled]
    out = _run(path, engine, seconds, json.dumps((wanted, None)).encode())
    return {(sheet, row, column): value for sheet, row, column, value in json.loads(out)}


class Computing:
    """An engine at work on a workbook in a process of its own, which is told later where the formulas are.

    Args:
        path: The workbook; it is only read.
        engine: "ironcalc" or "libreoffice".
    """

    def __init__(self, path: Path, engine: str = "ironcalc") -> None:
        self.path, self.engine = path, engine
        self._formulas: SimpleQueue[Sequence[Rectangle] | None] = SimpleQueue()
        self._found: list[Any] = []
        self._error: BaseException | None = None
        self._thread = Thread(target=self._compute)
        self._thread.start()

    def tell(self, formulas: Sequence[Rectangle] | None) -> None:
        """Tell in which rectangles the formulas are; None ends it: nobody wants to know any more."""
        self._formulas.put(formulas)

    def values(self) -> list[Any]:
        """The values of the formula cells in the order of the rectangles; None where the engine gives nothing.

        Raises:
            UsageError, WorkbookError: As `computed`.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found

    def _compute(self) -> None:
        try:
            if self.engine == "ironcalc":
                self._found = unpacked(
                    _run(self.path, self.engine, None, lambda: json.dumps(((), self._told())).encode())
                )
            else:
                found = computed(self.path, self.engine)
                self._found = [found.get(place) for place in places(self._told())]
        except BaseException as e:
            self._error = e

    def _told(self) -> Sequence[Rectangle]:
        formulas = self._formulas.get()
        if formulas is None:
            raise WorkbookError(f"{self.path}: is not read")
        return formulas


def _run(path: Path, engine: str, seconds: float | None, asked: bytes | Callable[[], bytes]) -> bytes:
    """What an engine's process answers to what it is asked for."""
    if engine not in ENGINES:
        raise UsageError(f"no engine {engine!r}; there are {', '.join(ENGINES)}{nearest(engine, ENGINES)}")
    if engine == "libreoffice" and not libreoffice():
        raise WorkbookError("LibreOffice is not installed (Debian: apt-get install libreoffice-calc-nogui python3-uno)")
    preflight(path)
    if engine == "libreoffice" and _has_lambdas(path):
        raise WorkbookError(
            f"{path}: holds LAMBDA names, which LibreOffice does not know; recalculate it with ironcalc"
        )
    arguments, doing = [engine, str(path.resolve())], (engine, "recalculate")
    limit = child.seconds(path, LEAST[engine]) if seconds is None else seconds
    return child.run(path, "xl_econ.workbook.engines", arguments, MEMORY[engine], limit, doing, asked)


def _has_lambdas(path: Path) -> bool:
    with zipfile.ZipFile(path) as package:
        return b"_xlfn.LAMBDA(" in package.read("xl/workbook.xml")


def same(a: Any, b: Any, tolerance: float) -> bool:
    """Whether two values agree: numbers within a relative tolerance, everything else exactly."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if not (isinstance(a, int | float) and isinstance(b, int | float)):
        return ("" if a is None else a) == ("" if b is None else b)
    if not (a and b):  # Excel and LibreOffice set the residue of a cancellation to zero
        return abs(a - b) <= CANCELLATION
    return math.isclose(a, b, rel_tol=tolerance)


def differences(
    stored: Mapping[Address, FormulaCell], computed: Mapping[Address, Any], tolerance: float
) -> Iterator[Difference]:
    """The formula cells whose stored value is not the computed one."""
    for (sheet, cell), f in stored.items():
        value = computed.get((sheet, cell))
        if not same(f.stored, value, tolerance):
            yield Difference(sheet, cell, f.formula, f.stored, value)
