"""Totals over the wrong cells: a range that stops before the figures do, or begins after them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import takewhile

from xl_econ.audit.blocks import Block, span
from xl_econ.audit.lines import is_figure
from xl_econ.audit.registry import ERROR, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Area, Cell, Sheet
from xl_econ.workbook.graph import Place

TOTAL = re.compile(r"=\+?(?:_xlfn\.)?(SUM|AVERAGE|MIN|MAX|COUNT|PRODUCT)\(([^(),]*)\)$", re.I)
_FEWEST = 4  # cells of a range that is seen to stop short of its line
_FARTHEST = 3  # figures between a range and its total that a range can have lost


@check(
    "range-short",
    ERROR,
    "A total leaves out figures that adjoin its range",
    "extend the range; a Table or a whole block as the range grows by itself",
)
def range_short(subject: Subject) -> Iterator[Found]:
    """A range that does not reach up to its total, ends one copy before the copies do, or begins after its siblings."""
    said = set()
    for cell, other, usual in _unlike_siblings(subject):
        said.add((cell.sheet, cell.at))
        yield at(
            cell, f"{cell.formula[:80]} takes in {usual} less than the totals beside it, such as {other.formula[:80]}"
        )
    for block, place in totals(subject):
        cell = block.first
        if (cell.sheet, cell.at) in said:
            continue
        missed = _between(subject, cell, place)
        if missed and not _explained(subject, place, missed):
            said.add((cell.sheet, cell.at))
            yield at(cell, f"{cell.formula[:80]} leaves out {_named(missed)}{_copied(block)}")
            continue
        beyond = _beyond(subject, block, place)
        if beyond is not None:
            said.add((cell.sheet, cell.at))
            severity = "" if beyond.formula else WARNING
            yield at(cell, f"{cell.formula[:80]} stops short of {beyond.at}{_copied(block)}", severity=severity)
    for cell, usual in _beside_longer(subject):
        if (cell.sheet, cell.at) not in said:
            yield at(cell, f"{cell.formula[:80]} begins below row {usual}, where the totals beside it begin")


def totals(subject: Subject) -> Iterator[tuple[Block, Place]]:
    """Formulas that only total one range, with that range as their first copy reads it."""
    for block in subject.blocks:
        if TOTAL.match(block.key):
            places = subject.graph.precedents(block.first)
            if len(places) == 1 and not places[0].is_cell:
                yield block, places[0]


def _between(subject: Subject, cell: Cell, place: Place) -> list[Cell]:
    """The figures between a range and its total without a gap, in its own row or column; none where a gap is."""
    top, bottom, left, right = place.area
    sheet = subject.book.sheets[cell.sheet]
    if place.sheet != cell.sheet:
        return []
    if left == right == cell.column and bottom < cell.row:
        gap = [sheet.at(r, left) for r in range(bottom + 1, min(cell.row, bottom + 9))]
    elif left == right == cell.column and cell.row < top:
        gap = [sheet.at(r, left) for r in range(max(cell.row + 1, top - 9), top)]
    elif top == bottom == cell.row and right < cell.column:
        gap = [sheet.at(top, c) for c in range(right + 1, min(cell.column, right + 9))]
    else:
        return []
    if left == right == cell.column and cell.row < top:
        gap.reverse()
    found = list(takewhile(is_figure, gap))
    rest = [c for c in gap[len(found) :] if c is not None and c.shown != ""]
    return [c for c in found if c is not None] if not rest and len(found) <= _FARTHEST else []


def _explained(subject: Subject, place: Place, missed: list[Cell]) -> bool:
    """Whether what is left out is a total itself, or something of another kind."""
    last = next(iter(subject.graph.cells(place)), None)
    return last is None or any(
        (c.formula and TOTAL.match(c.formula))
        or c.format != last.format
        or bool(c.formula) != bool(last.formula)
        or _among_totals(subject, c, place)
        for c in missed
    )


def _among_totals(subject: Subject, cell: Cell, place: Place) -> bool:
    """Whether a figure stands in a row of totals of the very rows that are totalled: a ratio of them is no figure."""
    top, bottom, left, right = place.area
    if left != right or cell.column != left:
        return False
    return any(
        block.first.sheet == cell.sheet
        and block.first.row <= cell.row <= block.last.row
        and other.area[:2] == (top, bottom)
        for block, other in totals(subject)
        if other.sheet == place.sheet
    )


def _beyond(subject: Subject, block: Block, place: Place) -> Cell | None:
    """The one figure beyond the end, or copy before the start, of a range that is like the figures in it."""
    sheet = subject.book.sheets.get(place.sheet)
    top, bottom, left, right = place.area
    if sheet is None or (top != bottom and left != right) or max(bottom - top, right - left) + 1 < _FEWEST:
        return None
    down = left == right
    if _moves_along(subject, block, down):
        return None
    step = (1, 0) if down else (0, 1)
    first, last = sheet.cells.get((top, left)), sheet.cells.get((bottom, right))
    if first is None or last is None or not is_figure(last):
        return None
    for end, way in ((last, 1), (first, -1)):
        one, two = (sheet.cells.get((end.row + step[0] * way * n, end.column + step[1] * way * n)) for n in (1, 2))
        if one is None or not is_figure(one) or is_figure(two) or one.key != end.key or one.format != end.format:
            continue
        if (one.sheet, one.row, one.column) == (block.first.sheet, block.first.row, block.first.column):
            continue
        inner = sheet.cells.get((end.row - step[0] * way, end.column - step[1] * way))
        if inner is None or inner.key != end.key or bool(inner.formula) != bool(end.formula):
            continue
        if end.formula or (way == 1 and _has_label(sheet, one, down) and not _in_step(subject, block, one)):
            return one
    return None


def _moves_along(subject: Subject, block: Block, down: bool) -> bool:
    """Whether a range moves or grows with the copies of its total, as a running or rolling one does."""
    corners = [r.corners for r in subject.graph.references(block.first) if r.corners]
    if any(c[0].fixed != c[1].fixed or c[2].fixed != c[3].fixed for c in corners):
        return True
    others = subject.copies[block.sheet.name, block.key]
    lines = {(b.first.row if down else b.first.column) for b in others} | {
        (b.last.row if down else b.last.column) for b in others
    }
    return len(lines) > 1 and not all(c[0].fixed and c[2].fixed for c in corners)


def _has_label(sheet: Sheet, cell: Cell, down: bool) -> bool:
    """Whether a text stands at the head of the figure's row, or column."""
    before = range(cell.column - 1, 0, -1) if down else range(cell.row - 1, 0, -1)
    for n in before:
        other = sheet.cells.get((cell.row, n) if down else (n, cell.column))
        if other is not None and other.shown not in (None, ""):
            if isinstance(other.shown, str):
                return True
            if down:
                continue
            return True
    return False


def _in_step(subject: Subject, block: Block, beyond: Cell) -> bool:
    """Whether another total takes in the figure beyond: then the lines are cut up into several totals on purpose."""
    here = Place(beyond.sheet, (beyond.row, beyond.row, beyond.column, beyond.column))
    return any(
        here.sheet == place.sheet and _holds(place.area, here.area)
        for other, place in totals(subject)
        if other.first is not block.first and other.key != block.key
    )


def _beside_longer(subject: Subject) -> Iterator[tuple[Cell, int]]:
    """Totals of a row that begin later than the other totals of it, though figures stand there."""
    rows: dict[tuple[str, int], list[tuple[Cell, Area]]] = {}
    for block, place in totals(subject):
        top, bottom, left, right = place.area
        if place.sheet == block.sheet.name and left == right == block.first.column and bottom < block.first.row:
            for column in range(block.first.column, block.last.column + 1):
                cell = block.sheet.cells[block.first.row, column]
                area = (top, bottom, left + column - block.first.column, right + column - block.first.column)
                rows.setdefault((cell.sheet, cell.row), []).append((cell, area))
    for (name, _), found in rows.items():
        usual, count = Counter(area[0] for _, area in found).most_common(1)[0]
        if count == 1:  # of two, the longer
            usual = min(area[0] for _, area in found)
        if len(found) == 1:
            continue
        sheet = subject.book.sheets[name]
        for cell, (top, bottom, left, _) in found:
            left_out = [sheet.cells.get((r, left)) for r in range(usual, top)]
            first = sheet.cells.get((top, left))
            if not 0 < top - usual <= _FARTHEST or bottom < top or first is None:
                continue
            if all(
                c is not None and is_figure(c) and c.format == first.format and c.key == first.key for c in left_out
            ):
                yield cell, usual


def _unlike_siblings(subject: Subject) -> Iterator[tuple[Cell, Cell, int]]:
    """Totals one below the other, each of another row of a sheet over the same columns, but for one of them."""
    columns: dict[tuple[str, int, str], list[tuple[Cell, Area]]] = {}
    for block, place in totals(subject):
        top, bottom, left, right = block.area
        if place.area[0] != place.area[1] or place.sheet == block.sheet.name or left != right:
            continue
        for row in range(top, min(bottom, top + _FARTHEST) + 1):
            cell = block.sheet.cells[row, left]
            for each in subject.graph.precedents(cell):
                columns.setdefault((cell.sheet, left, place.sheet), []).append((cell, each.area))
    for (_, _, name), found in columns.items():
        (left, right), count = Counter(area[2:] for _, area in found).most_common(1)[0]
        if count < _FEWEST:
            continue
        model = next(cell for cell, area in found if area[2:] == (left, right))
        sheet = subject.book.sheets.get(name)
        for cell, (row, _, first, last) in found:
            lost = [*range(left, first), *range(last + 1, right + 1)]
            inside = left <= first and last <= right
            if sheet and inside and 0 < len(lost) <= _FARTHEST and all(is_figure(sheet.at(row, c)) for c in lost):
                yield cell, model, len(lost)


def _holds(outer: Area, inner: Area) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1] and outer[2] <= inner[2] and inner[3] <= outer[3]


def _named(cells: list[Cell]) -> str:
    return cells[0].at if len(cells) == 1 else f"{cells[0].at} to {cells[-1].at}"


def _copied(block: Block) -> str:
    return f", as do the copies in {span(block.area)}" if block.count > 1 else ""
