"""What the checks look at: a workbook's cells, who reads whom, and what an independent engine computes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from functools import cached_property
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import WorkbookError
from xl_econ.workbook.book import Area, Book, Cell, Look
from xl_econ.workbook.census import Column, by_look
from xl_econ.workbook.graph import Graph, Place
from xl_econ.workbook.recalc import computed_at
from xl_econ.workbook.scan import scan
from xl_econ.workbook.values import Rectangle

from .blocks import Block, blocks

if TYPE_CHECKING:
    from .manifest import Manifest
    from .provenance import Entry
    from .recognised import Recognised

_place = attrgetter("row", "column")
_OURS = "inputs.case"  # a name that every template has


class Subject:
    """A workbook under audit.

    Args:
        path: The workbook.
        engine: What recomputes it: "ironcalc" or "libreoffice".
        as_of: The day against which prices are old; None takes the workbook's own.
    """

    def __init__(self, path: Path, engine: str = "ironcalc", as_of: date | None = None) -> None:
        self.path, self.engine, self.as_of = path, engine, as_of
        self._firsts: dict[int, list[Cell]] = {}
        # The engine works in a process of its own while the cells are read here; then it is told where formulas are.
        pool, read = ThreadPoolExecutor(1), Future[list[Rectangle]]()
        self._computed: Future[list[Any]] = pool.submit(computed_at, path, engine, read.result)
        pool.shutdown(wait=False)
        try:
            self.book: Book = scan(path)
            read.set_result([(block.sheet.name, *block.area) for block in self.blocks])
        except BaseException as e:
            read.set_exception(e)
            raise
        self.graph = Graph(self.book)

    @cached_property
    def _computation(self) -> tuple[list[Any], str]:
        """The values of the blocks' cells, or why there are none."""
        try:
            return self._computed.result(), ""
        except WorkbookError as e:
            return [None] * sum(block.count for block in self.blocks), str(e).removeprefix(f"{self.path}: ")

    @property
    def uncomputed(self) -> str:
        """Why the engine could not compute the workbook; "" if it could."""
        return self._computation[1]

    def computed(self, cell: Cell) -> Any:
        """What the engine computes for a formula cell; None where it gives nothing."""
        return self._values.get((cell.sheet, cell.row, cell.column))

    @cached_property
    def _values(self) -> dict[tuple[str, int, int], Any]:
        return {(c.sheet, c.row, c.column): value for c, value in self.results}

    @cached_property
    def results(self) -> list[tuple[Cell, Any]]:
        """The formula cells, block by block, each with what the engine computes for it."""
        cells = chain.from_iterable(block.cells() for block in self.blocks)
        return [*zip(cells, self._computation[0], strict=True)]

    @cached_property
    def unconfirmed(self) -> list[tuple[Cell, Any]]:
        """Those of the results that are no number, or not to the last digit the one that is stored."""
        return [(c, v) for c, v in self.results if v != c.shown or type(v) is not float or type(c.shown) is not float]

    @cached_property
    def manifest(self) -> Manifest | None:
        """What became of the template that the workbook was built from; None where there is none, or it is unknown."""
        if _OURS not in self.book.names:
            return None
        from . import manifest  # brings all that makes templates, which is more than most workbooks need

        return manifest.of(self.path, self.book)

    def as_built(self, cell: Cell) -> bool:
        """Whether a cell is as its template was built: it cannot be a slip of whoever edited the workbook."""
        return self.manifest is not None and (cell.sheet, cell.row, cell.column) in self.manifest.as_built

    @cached_property
    def recognised(self) -> dict[tuple[str, int, int], Recognised]:
        """The cells that compute one of our metrics, with its inputs and what the core makes of them."""
        from .recognised import of

        return of(self)

    @cached_property
    def entries(self) -> list[Entry]:
        """The rows of inputs that have a column of sources or dates beside them."""
        from .provenance import entries

        return list(entries(self))

    @cached_property
    def formulas(self) -> list[Cell]:
        """The formula cells."""
        return [cell for sheet in self.book.sheets.values() for cell in sheet.cells.values() if cell.formula]

    @cached_property
    def blocks(self) -> list[Block]:
        """The formulas as rectangles of copies."""
        return [block for sheet in self.book.sheets.values() for block in blocks(sheet)]

    @cached_property
    def copies(self) -> dict[tuple[str, str], list[Block]]:
        """The blocks by sheet and formula: what was copied, wherever on the sheet to."""
        found: dict[tuple[str, str], list[Block]] = {}
        for block in self.blocks:
            found.setdefault((block.sheet.name, block.key), []).append(block)
        return found

    def firsts(self, most: int = 1) -> list[Cell]:
        """The first cells of every formula that is copied, so many at most, sheet by sheet and row by row."""
        if most not in self._firsts:
            found: list[Cell] = []
            for of_key in self.copies.values():
                cells = [cell for b in of_key for cell in ((b.first,) if b.count == 1 else islice(b.cells(), most))]
                found += cells if len(of_key) == 1 else sorted(cells, key=_place)[:most]
            self._firsts[most] = self.in_order(found)
        return self._firsts[most]

    def in_order(self, cells: Iterable[Cell]) -> list[Cell]:
        """Cells sheet by sheet and row by row."""
        order = {name: n for n, name in enumerate(self.book.sheets)}
        return sorted(cells, key=lambda c: (order[c.sheet], c.row, c.column))

    @cached_property
    def spans(self) -> dict[str, dict[tuple[int, int], int]]:
        """Of every sheet, the first and last columns that formulas are copied over, and how many rows are."""
        found: dict[str, dict[tuple[int, int], int]] = {}
        for block in self.blocks:
            top, bottom, left, right = block.area
            if right > left:
                of_sheet = found.setdefault(block.sheet.name, {})
                of_sheet[left, right] = of_sheet.get((left, right), 0) + bottom - top + 1
        return found

    @cached_property
    def read(self) -> frozenset[Place]:
        """The areas that formulas read."""
        return frozenset(
            place
            for block in self.blocks
            for reference in self.graph.references(block.first)
            for place in block.reach(self.graph, reference)
        )

    @cached_property
    def _keys(self) -> dict[tuple[str, int], set[str]]:
        """The formulas of every column, by sheet and column."""
        found: dict[tuple[str, int], set[str]] = {}
        for block in self.blocks:
            for column in range(block.first.column, block.last.column + 1):
                found.setdefault((block.sheet.name, column), set()).add(block.key)
        return found

    def beside_copies(self, sheet: str, column: int) -> bool:
        """Whether a cell of a column can stand between copies of one formula, or at the end of two of them."""
        before_last, before, here, after, next_ = (self._keys.get((sheet, column + n), set()) for n in range(-2, 3))
        pairs = (before, after), (before_last, before), (after, next_)
        return bool(here) or not all(one.isdisjoint(two) for one, two in pairs)

    @cached_property
    def inputs(self) -> list[Cell]:
        """The typed numbers that some formula reads, directly; sheet by sheet and column by column."""
        return [*chain.from_iterable(self.inputs_by_column.values())]

    @cached_property
    def inputs_by_column(self) -> dict[tuple[str, int], list[Cell]]:
        """The same by sheet and column, from the top."""
        by_sheet: dict[str, list[Area]] = {}
        for sheet, area in self.read:
            by_sheet.setdefault(sheet, []).append(area)
        found: dict[tuple[str, int], list[Cell]] = {}
        for name in sorted(by_sheet.keys() & self.book.sheets.keys()):
            spans: dict[tuple[int, int], list[tuple[int, int]]] = {}
            for top, bottom, left, right in by_sheet[name]:
                spans.setdefault((left, right), []).append((top, bottom))
            stretches = [(left, right, _joined(rows)) for (left, right), rows in spans.items()]
            for column, held in sorted(self.book.sheets[name].census.columns.items()):
                rows = [r for left, right, joined in stretches if left <= column <= right for r in joined]
                if rows and (cells := [*_within(held, _joined(rows))]):
                    found[name, column] = cells
        return found

    @cached_property
    def inputs_by_look(self) -> list[tuple[Look, list[Cell]]]:
        """The same by how they look, which few kinds of cells do in many ways."""
        return by_look(self.inputs)

    def empty(self, place: Place) -> Iterator[tuple[int, int]]:
        """The cells of an area that hold nothing, by row and column."""
        top, bottom, left, right = place.area
        sheet = self.book.sheets.get(place.sheet)
        columns = sheet.census.columns if sheet else {}
        for column in range(left, right + 1):
            rows = columns[column].filled if column in columns else []
            held = rows[bisect_left(rows, top) : bisect_right(rows, bottom)]
            if len(held) <= bottom - top:
                there = set(held)
                yield from ((row, column) for row in range(top, bottom + 1) if row not in there)


def _joined(rows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches of rows in order, those that touch or lie on one another made one."""
    found: list[tuple[int, int]] = []
    for top, bottom in sorted(rows):
        if found and top <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], bottom)
        else:
            found.append((top, bottom))
    return found


def _within(column: Column, rows: list[tuple[int, int]]) -> Iterator[Cell]:
    """The typed numbers of a column in stretches of rows, in order, each once."""
    done = 0
    for top, bottom in rows:
        first = bisect_left(column.number_rows, top, done)
        done = bisect_right(column.number_rows, bottom, first)
        yield from column.numbers[first:done]
