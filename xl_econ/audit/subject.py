"""What the checks look at: a workbook's cells, who reads whom, and what an independent engine computes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cached_property, lru_cache
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import WorkbookError
from xl_econ.workbook.book import Area, Book, Cell, Look, Sheet
from xl_econ.workbook.cell import ROWS
from xl_econ.workbook.census import Column
from xl_econ.workbook.graph import Graph, Place
from xl_econ.workbook.recalc import Computing
from xl_econ.workbook.scan import scan

from .blocks import Block, blocks

if TYPE_CHECKING:
    from .labels import Labels
    from .manifest import Manifest
    from .provenance import Entry
    from .recognised import Recognised
    from .unit_evidence import Units

_place = attrgetter("row", "column")
_FEW = 8  # cells to a stretch from which on it is sooner looked up than walked to
_NOWHERE = (ROWS + 1, ROWS + 1)
_OURS = "inputs.case"  # a name that every template has


class Subject:
    """A workbook under audit.

    Args:
        path: The workbook.
        engine: What recomputes it: "ironcalc", "libreoffice", or one of them that is at work on it already.
        as_of: The day against which prices are old; None takes the workbook's own.
    """

    def __init__(self, path: Path, engine: str | Computing = "ironcalc", as_of: date | None = None) -> None:
        # The engine works in a process of its own while the cells are read here.
        self._computing = Computing(path, engine) if isinstance(engine, str) else engine
        self.path, self.engine, self.as_of = path, self._computing.engine, as_of
        formulas = None
        try:
            self.book: Book = scan(path)
            formulas = [(block.sheet.name, *block.area) for block in self.blocks]
        finally:
            self._computing.tell(formulas)  # or that nobody wants to know: it waits until it is told
        self.graph = Graph(self.book)

    @cached_property
    def _computation(self) -> tuple[list[Any], str]:
        """The values of the blocks' cells, or why there are none."""
        try:
            return self._computing.values(), ""
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
    def labels(self) -> Labels:
        """What its cells are called."""
        from .labels import Labels

        return Labels(self.book)

    def units(self, sheet: str) -> Units:
        """The units of a sheet's cells."""
        if sheet not in self._units:
            from .unit_evidence import Units

            self._units[sheet] = Units(self.book.sheets[sheet])
        return self._units[sheet]

    @cached_property
    def _units(self) -> dict[str, Units]:
        return {}

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

    @cached_property
    def _firsts(self) -> dict[int, list[Cell]]:
        return {}

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

    @cached_property
    def beside_copies(self) -> dict[str, list[Cell]]:
        """By sheet the typed numbers that stand between copies of one formula, or at an end of several; by column."""
        found: dict[str, set[tuple[int, int]]] = {}
        for block in self.blocks:
            name, (top, bottom, left, right) = block.sheet.name, block.area
            ends = found.setdefault(name, set())
            if bottom > top:
                ends.update((row, column) for row in (top - 1, bottom + 1) for column in range(left, right + 1))
            for end, before, beyond in ((left - 1, left + 1, left - 2), (right + 1, right - 1, right + 2)):
                # The copies of a row can lie in several blocks, where those of their columns go on differently.
                in_row = right > left or any(block.key in self._keys.get((name, c), ()) for c in (before, beyond))
                if in_row and end in block.sheet.census.columns:
                    ends.update((row, end) for row in range(top, bottom + 1))
        return {name: sorted(_typed(self.book.sheets[name], ends), key=_by_column) for name, ends in found.items()}

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
            stretches = {span: _joined(rows) for span, rows in spans.items()}
            joined: dict[tuple[tuple[int, int], ...], list[tuple[int, int]]] = {}  # of columns that are read alike
            for column, held in sorted(self.book.sheets[name].census.columns.items()):
                over = tuple(span for span in stretches if span[0] <= column <= span[1])
                if over not in joined:
                    joined[over] = _joined([rows for span in over for rows in stretches[span]])
                if cells := [*_within(held, joined[over])]:
                    found[name, column] = cells
        return found

    @cached_property
    def formatted_inputs(self) -> list[tuple[Look, list[Cell]]]:
        """The same by how they look, of those that have a number format or a fill."""
        looks = {name: [look for look, _ in s.census.looks] for name, s in self.book.sheets.items()}
        formatted = {name for name, of in looks.items() if any(map(_is_formatted, of))}
        found: dict[int, tuple[Look, list[Cell]]] = {}
        for cell in (c for (name, _), cells in self.inputs_by_column.items() if name in formatted for c in cells):
            if _is_formatted(cell.look):
                found.setdefault(id(cell.look), (cell.look, []))[1].append(cell)
        return [*found.values()]

    def empty(self, place: Place) -> list[tuple[int, int]]:
        """The cells of an area that hold nothing, by row and column."""
        sheet, (top, bottom, left, right) = self.book.sheets.get(place.sheet), place.area
        if sheet is None:
            return [(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)]
        census = sheet.census
        if bottom - top < right - left:
            rows = ((row, census.filled.get(row, [])) for row in range(top, bottom + 1))
            return [(row, c) for row, held in rows for c in _lacking(held, left, right)]
        columns = ((c, census.columns[c].filled if c in census.columns else []) for c in range(left, right + 1))
        return [(row, c) for c, held in columns for row in _lacking(held, top, bottom)]


def _lacking(held: list[int], first: int, last: int) -> list[int]:
    """The numbers from a first to a last that are not among some in order."""
    start, end = bisect_left(held, first), bisect_right(held, last)
    if end - start > last - first:
        return []
    there = set(held[start:end])
    return [n for n in range(first, last + 1) if n not in there]


@lru_cache(1 << 12)
def _is_formatted(look: Look) -> bool:
    return look.format != "General" or bool(look.fill)


def _by_column(cell: Cell) -> tuple[int, int]:
    return cell.column, cell.row


def _typed(sheet: Sheet, places: Iterable[tuple[int, int]]) -> Iterator[Cell]:
    """The typed numbers among some places."""
    cells = (sheet.cells.get(place) for place in places)
    return (c for c in cells if c is not None and not c.formula and c.is_number)


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
    if len(rows) > len(column.numbers) // _FEW:
        yield from _alongside(column.numbers, rows)
        return
    done = 0
    for top, bottom in rows:
        first = bisect_left(column.number_rows, top, done)
        done = bisect_right(column.number_rows, bottom, first)
        yield from column.numbers[first:done]


def _alongside(cells: list[Cell], rows: list[tuple[int, int]]) -> Iterator[Cell]:
    """The same where there are many stretches: both are walked along."""
    stretches = iter(rows)
    top, bottom = next(stretches, _NOWHERE)
    for cell in cells:
        while bottom < cell.row:
            top, bottom = next(stretches, _NOWHERE)
        if top <= cell.row:
            yield cell
