"""What the checks look at: a workbook's cells, who reads whom, and what an independent engine computes."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from xl_econ.core.errors import WorkbookError
from xl_econ.workbook.book import Book, Cell
from xl_econ.workbook.graph import Graph
from xl_econ.workbook.read import Address
from xl_econ.workbook.recalc import SECONDS, recalculate
from xl_econ.workbook.scan import scan

from . import manifest, provenance
from .recognised import Recognised
from .recognised import of as recognise


class Subject:
    """A workbook under audit.

    Args:
        path: The workbook.
        engine: What recomputes it: "ironcalc" or "libreoffice".
        seconds: Time limit of the engine.
        as_of: The day against which prices are old; None takes the workbook's own.
    """

    def __init__(
        self, path: Path, engine: str = "ironcalc", seconds: float = SECONDS, as_of: date | None = None
    ) -> None:
        self.path, self.engine, self.as_of = path, engine, as_of
        # The engine works in a process of its own while the cells are read here.
        pool = ThreadPoolExecutor(1)
        self._computed: Future[dict[Address, Any]] = pool.submit(recalculate, path, engine, seconds)
        pool.shutdown(wait=False)
        self.book: Book = scan(path)
        self.graph = Graph(self.book)

    @cached_property
    def _computation(self) -> tuple[Mapping[Address, Any], str]:
        try:
            return self._computed.result(), ""
        except WorkbookError as e:
            return {}, str(e).removeprefix(f"{self.path}: ")

    @property
    def uncomputed(self) -> str:
        """Why the engine could not compute the workbook; "" if it could."""
        return self._computation[1]

    def computed(self, cell: Cell) -> Any:
        """What the engine computes for a formula cell; None where it gives nothing."""
        return self._computation[0].get((cell.sheet, cell.at))

    @cached_property
    def manifest(self) -> manifest.Manifest | None:
        """What became of the template that the workbook was built from; None where there is none, or it is unknown."""
        return manifest.of(self.path, self.book)

    def as_built(self, cell: Cell) -> bool:
        """Whether a cell is as its template was built: it cannot be a slip of whoever edited the workbook."""
        return self.manifest is not None and (cell.sheet, cell.row, cell.column) in self.manifest.as_built

    @cached_property
    def recognised(self) -> dict[tuple[str, int, int], Recognised]:
        """The cells that compute one of our metrics, with its inputs and what the core makes of them."""
        return recognise(self)

    @cached_property
    def entries(self) -> list[provenance.Entry]:
        """The rows of inputs that have a column of sources or dates beside them."""
        return list(provenance.entries(self))

    @cached_property
    def formulas(self) -> list[Cell]:
        """The formula cells."""
        return [cell for _, cell in self.book.formulas()]

    @cached_property
    def inputs(self) -> list[Cell]:
        """The typed numbers that some formula reads, directly."""
        read: dict[tuple[str, int, int], Cell] = {}
        seen = set()
        for cell in self.formulas:
            for place in self.graph.precedents(cell):
                if place in seen:
                    continue
                seen.add(place)
                for c in self.graph.cells(place):
                    if not c.formula and c.is_number:
                        read[c.sheet, c.row, c.column] = c
        return list(read.values())
