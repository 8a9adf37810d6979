"""Lineage: a number down to the inputs that it comes from, or up to the figures that depend on it.

The tree is a list of nodes in the order in which it is read, each with its depth, so that a chain of a hundred thousand
cells is no deeper for the program than one of three.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xl_econ.core.errors import UsageError, WorkbookError, XlEconError, nearest
from xl_econ.workbook import child
from xl_econ.workbook.book import Book, Cell, Look
from xl_econ.workbook.cell import At, address, as_shown, cell_at
from xl_econ.workbook.graph import Graph, Place, Reference
from xl_econ.workbook.preflight import preflight
from xl_econ.workbook.relative import placed

from .arithmetic import Evaluator
from .labels import Labels
from .looked_up import AREAS, LOOKUPS, looked_up, may_look_up
from .parsed import Node as Parsed
from .parsed import Unknown, tree
from .run import MEMORY
from .steps import steps

LEAST, MEGABYTE = 60, 2  # seconds that any workbook has, and more for every megabyte of cells
DEPTH = 12
NODES = 20_000
_CELL = re.compile(r"(?:'((?:[^']|'')+)'|([^'!]+))!(\$?[A-Za-z]{1,3}\$?[1-9]\d{0,6})")


@dataclass(frozen=True)
class Node:
    """A line of a lineage.

    Attributes:
        depth: How far below the root, which stands at 0.
        sheet: Its sheet.
        cell: Its address; an area as B2:B9.
        kind: "input" (a typed number), "text", "formula", "blank", "range", "step" (of a function
            of ours that the cell above calls; it has no cell), or "outside" (another workbook).
        label: What the sheet calls it.
        value: What stands there; None for a range, whose figures are in `summary`.
        unit: Its unit.
        formula: Its formula.
        step: The name of the step or input in a template.
        words: The formula in names, as a template writes it.
        name: Its defined name.
        source: Where an input comes from.
        as_of: When it was so.
        summary: Of a range: cells, formulas, numbers, min, max, sum.
        found_in: Of a cell that a look-up finds: the area of which it is one.
        mark: "seen" (shown above with all below it), "cycle" (it reads itself), "deeper" (cut), or "".
    """

    depth: int
    sheet: str
    cell: str
    kind: str
    label: str = ""
    value: Any = None
    unit: str = ""
    formula: str = ""
    step: str = ""
    words: str = ""
    name: str = ""
    source: str = ""
    as_of: str = ""
    summary: dict[str, Any] | None = None
    found_in: str = ""
    mark: str = ""

    @property
    def at(self) -> str:
        """The place as a formula names it."""
        if not self.sheet:
            return self.cell
        return named(self.sheet, self.cell)

    def as_dict(self) -> dict[str, Any]:
        """What it holds, without what it does not."""
        return {k: v for k, v in asdict(self).items() if v not in (None, "") or k == "value"}


def named(sheet: str, cell: str) -> str:
    """A place as a formula names it."""
    plain = re.fullmatch(r"[^\W\d]\w*", sheet)
    return f"{sheet if plain else quoted(sheet)}!{cell}"


def quoted(sheet: str) -> str:
    """A sheet's name as a formula quotes it."""
    return "'" + sheet.replace("'", "''") + "'"


def trace(path: Path, place: str, dependents: bool = False, depth: int = DEPTH, full: bool = False) -> list[Node]:
    """The lineage of a cell, read in a child process with limits.

    Args:
        path: The workbook.
        place: Sheet!Cell or a defined name.
        dependents: What reads the cell, instead of what it reads.
        depth: How deep; 0 for all.
        full: Every cell of a range, instead of its count and sum, and of a look-up the whole table.

    Raises:
        WorkbookError: It cannot be read, or not within the limits.
        UsageError: No such cell.
    """
    preflight(path)
    arguments = [str(path.resolve()), place, str(int(dependents)), str(depth), str(int(full))]
    seconds = child.seconds(path, LEAST, MEGABYTE)
    out = child.run(path, "xl_econ.audit.lineage", arguments, MEMORY, seconds, ("trace", "read"))
    found = json.loads(out)
    if isinstance(found, str):
        raise UsageError(found)
    return [Node(**n) for n in found]


def find(book: Book, place: str, empty: bool = False) -> Cell:
    """The cell of Sheet!Cell or of a defined name; `empty` admits one that holds nothing.

    Raises:
        UsageError: There is none.
    """
    text = place.strip()
    names = {n.casefold(): t for n, t in book.names.items()}
    if (named := names.get(text.casefold())) is not None:
        text = named.removeprefix("=").partition(":")[0]
    found = _CELL.fullmatch(text)
    if found is None:
        shape = "Sheet!Cell or a defined name"
        raise UsageError(f"{place!r} is no {shape}{nearest(place, [*book.names, *book.sheets])}")
    sheet = (found[1] or found[2]).replace("''", "'").lstrip("$")
    known = {n.casefold(): n for n in book.sheets}
    if sheet.casefold() not in known:
        raise UsageError(f"no sheet {sheet!r}{nearest(sheet, book.sheets)}")
    name, (row, column) = known[sheet.casefold()], cell_at(found[3])
    held = book.cell(name, row, column)
    if held is None and not empty:
        raise UsageError(f"{name}!{address(At(row, column))} is empty")
    return held or Cell(name, row, column, "", None, Look())


@dataclass(frozen=True)
class Found:
    """A cell that a look-up finds, and the area in which it does."""

    cell: Cell
    area: str


Below = Cell | Place | Found | str


class Lineage:
    """The lineages of a workbook's cells.

    Args:
        book: The workbook.
        graph: Who reads whom.
    """

    def __init__(self, book: Book, graph: Graph | None = None) -> None:
        self.book, self.graph, self.labels = book, graph or Graph(book), Labels(book)
        self._evaluator = Evaluator(self.graph)

    def tree(self, cell: Cell, dependents: bool = False, depth: int = DEPTH, full: bool = False) -> Iterator[Node]:
        """The nodes of a lineage, in the order in which it is read; shared parts once."""
        shown: set[tuple[str, int, int]] = set()
        path: list[Cell | Place] = []  # from the root to where we are
        stack: list[tuple[Below, int]] = [(cell, 0)]
        while stack:
            below_it, level = stack.pop()
            here, area = (below_it.cell, below_it.area) if isinstance(below_it, Found) else (below_it, "")
            del path[level:]
            if not isinstance(here, Cell):
                yield self._place(here, level)
                if full and isinstance(here, Place):
                    path.append(here)
                    stack += [(c, level + 1) for c in reversed(list(self.graph.cells(here)))]
                continue
            at = (here.sheet, here.row, here.column)
            below = self._below(here, dependents, full)
            mark = ""
            if any(here is p for p in path):
                mark = "cycle"
            elif below and at in shown:
                mark = "seen"
            elif below and depth and level >= depth:
                mark = "deeper"
            yield self.node(here, level, mark, area)
            if not mark:
                shown.add(at)
                if not dependents:
                    yield from self._steps(here, level + 1)
                path.append(here)
                stack += [(b, level + 1) for b in reversed(below)]

    def _below(self, cell: Cell, dependents: bool, full: bool) -> list[Below]:
        """What stands below a cell, each once: cells, ranges, and texts for what lies in other workbooks."""
        if dependents:
            return list(self.graph.dependents(cell.sheet, cell.row, cell.column))
        parsed = tree(cell.key) if not full and may_look_up(cell.key) else None
        read = self._parts(parsed, cell) if parsed else self.graph.references(cell)
        unique: dict[Any, Below] = {}
        for r in read:
            for f in [r] if isinstance(r, Found) else self._referred(r, cell):
                c = f.cell if isinstance(f, Found) else f
                unique.setdefault((c.sheet, c.row, c.column) if isinstance(c, Cell) else c, f)
        return list(unique.values())

    def _referred(self, reference: Reference, cell: Cell) -> Iterator[Below]:
        if reference.external:
            yield self._outside(reference, cell)
        yield from map(self._held, self.graph.places(reference, cell))

    def _parts(self, node: Parsed, cell: Cell) -> Iterator[Reference | Found]:
        """What a part of a formula reads; of a look-up what it looks for, and the cell that it finds."""
        found = self._looked_up(node, cell) if node.op in LOOKUPS else None
        if found:
            yield found
        for n, part in enumerate(node.args):
            if isinstance(part, Reference):
                yield part
            elif isinstance(part, Parsed) and not (found and n in AREAS[node.op]):
                # What a MATCH in it gives is a place in the table, told by the cell that was found.
                inside = found and node.op == "INDEX" and part.op in AREAS
                for p in part.args[:1] if inside else (part,):
                    yield from self._parts(p, cell)

    def _looked_up(self, node: Parsed, cell: Cell) -> Found | None:
        """The cell that a look-up finds, with the area of which it is one."""
        try:
            at = looked_up(self.graph, node, cell, lambda part: self._evaluator.node(part, cell))
            [place] = self.graph.places(node.args[AREAS[node.op][-1]].args[0], cell)
        except (Unknown, XlEconError, ArithmeticError, TypeError, ValueError):
            return None
        held = self.book.cell(*at)
        top, bottom, left, right = place.area
        area = f"{address(At(top, left))}:{address(At(bottom, right))}"
        return Found(held, named(place.sheet, area)) if held is not None and not place.is_cell else None

    def _steps(self, cell: Cell, level: int) -> Iterator[Node]:
        """What a call of one of our functions works out between its arguments and its result."""
        for s in steps(cell, self.graph):
            words = "" if s.kind == "default" else f"{s.name} = {s.formula}"
            label = f"{s.formula} (default)" if s.kind == "default" else ""
            yield Node(level, "", "", "step", label, s.value, s.unit, step=s.name, words=words)

    def _held(self, place: Place) -> Cell | Place:
        """The cell of an area of one that holds something, else the area."""
        held = self.book.cell(place.sheet, place.area[0], place.area[2]) if place.is_cell else None
        return held or place

    def _outside(self, reference: Reference, cell: Cell) -> str:
        """A reference to another workbook, with the file's name in place of its number."""
        sheet, mark, place = reference.text.rpartition("!")
        text = sheet + mark + (placed(place, cell.row, cell.column) or place)
        links = self.book.settings.links
        number = re.search(r"\[(\d+)\]", text)
        if number and 0 < int(number[1]) <= len(links):
            text = text.replace(number[0], f"[{links[int(number[1]) - 1]}]")
        return text

    def node(self, cell: Cell, level: int = 0, mark: str = "", found_in: str = "") -> Node:
        """A cell with what the sheet says of it."""
        about = self.labels.about(cell)
        kind = "formula" if cell.formula or cell.spilled else "input" if cell.is_number else "text"
        source, as_of = ("", "") if cell.formula else (about.source, about.as_of)
        day = self.book.date(cell)
        return Node(
            level,
            cell.sheet,
            cell.at,
            "blank" if cell.shown in (None, "") and not cell.formula else kind,
            about.label,
            day.isoformat() if day else cell.shown,
            about.unit,
            as_shown(cell.formula),
            about.step,
            about.words,
            self.labels.names.get((cell.sheet, cell.at), ""),
            source,
            as_of,
            found_in=found_in,
            mark=mark,
        )

    def _place(self, place: Place | str, level: int) -> Node:
        """A range with what is in it, an empty cell, or what lies in another workbook."""
        if isinstance(place, str):
            return Node(level, "", place, "outside")
        top, bottom, left, right = place.area
        first, last = address(At(top, left)), address(At(bottom, right))
        if place.is_cell:
            return Node(level, place.sheet, first, "blank")
        cells = list(self.graph.cells(place))
        numbers = [c.shown for c in cells if c.is_number]
        summary: dict[str, Any] = {"cells": len(cells), "formulas": sum(bool(c.formula) for c in cells)}
        if numbers:
            summary |= {"numbers": len(numbers), "min": min(numbers), "max": max(numbers), "sum": sum(numbers)}
        table = next((t.name for t in self.book.sheets[place.sheet].tables if t.holds(top, left)), "")
        if cells and not numbers and table == "":
            texts = ", ".join(dict.fromkeys(c.text for c in cells[:4] if c.text))
            return Node(level, place.sheet, f"{first}:{last}", "range", texts, summary=summary)
        labels = [self.labels.about(c) for c in (cells[:1] + cells[-1:] if cells else [])]
        rows = {a.row for a in labels}
        ends = [a.heading for a in labels] if len(rows) == 1 else [a.row for a in labels]
        label = table or " ... ".join(dict.fromkeys(filter(None, ends)))
        if not table and left == right and labels and labels[0].heading:
            label = f"{label} / {labels[0].heading}" if label else labels[0].heading
        elif not table and len(rows) == 1 and rows != {""}:
            label = f"{rows.pop()} / {label}"
        return Node(level, place.sheet, f"{first}:{last}", "range", label, summary=summary)


def main() -> int:
    """Entry point of the child: workbook, cell, direction, depth, full; JSON of the nodes, or of what was wrong."""
    from itertools import islice

    from xl_econ.workbook.scan import scan

    child.limit_memory()
    path, place, dependents, depth, full = sys.argv[1:]
    try:
        book = scan(Path(path))
        cell = find(book, place, dependents == "1")
        nodes = list(islice(Lineage(book).tree(cell, dependents == "1", int(depth), full == "1"), NODES + 1))
        found: Any = [vars(n) for n in nodes]
        if len(nodes) > NODES:
            found = f"{place}: more than {NODES:,} lines; --depth cuts the tree"
    except UsageError as e:
        found = str(e)
    except (WorkbookError, MemoryError, RecursionError) as e:
        print(f"{e}".removeprefix(f"{path}: ") or type(e).__name__, file=sys.stderr)  # noqa: T201
        return 1
    json.dump(found, sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
