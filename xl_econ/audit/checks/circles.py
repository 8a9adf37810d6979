"""Formulas that depend on themselves."""

from __future__ import annotations

from collections.abc import Iterator

from xl_econ.audit.registry import ERROR, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell

_Node = tuple[str, int, int]
_NAMED = 4  # cells of a circle that are named


@check(
    "circular-reference",
    ERROR,
    "A formula depends on itself: what it shows hangs on how often it was computed",
    "break the circle; a value carried over from the period before is no circle",
)
def circular_reference(subject: Subject) -> Iterator[Found]:
    """Once for each circle, with its cells; where the workbook iterates on purpose it is a warning."""
    severity = WARNING if subject.book.settings.iterates else ""
    stuck = {(c.sheet, c.row, c.column): c for c, value in subject.unconfirmed if value == "#CIRC!"}
    for circle in _circles(subject, stuck):
        cells = [stuck[node] for node in circle]
        named = ", ".join(c.at if c.sheet == cells[0].sheet else f"{c.sheet}!{c.at}" for c in cells[1 : _NAMED + 1])
        more = f" and {len(cells) - 1 - _NAMED} more" if len(cells) > _NAMED + 1 else ""
        through = f" through {named}{more}" if named else ""
        yield at(cells[0], f"{cells[0].formula[:80]} depends on itself{through}", severity=severity)


def _circles(subject: Subject, stuck: dict[_Node, Cell]) -> list[list[_Node]]:
    """The strongly connected cells among those that an engine could not finish (Tarjan, without recursion)."""
    reads = {node: _reads(subject, cell, stuck) for node, cell in stuck.items()}
    index: dict[_Node, int] = {}
    low: dict[_Node, int] = {}
    path: list[_Node] = []
    on_path: set[_Node] = set()
    found: list[list[_Node]] = []
    for start in stuck:
        if start in index:
            continue
        index[start] = low[start] = len(index)
        path.append(start)
        on_path.add(start)
        work = [(start, iter(reads[start]))]
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    path.append(other)
                    on_path.add(other)
                    work.append((other, iter(reads[other])))
                    break
                if other in on_path:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    at_ = path.index(node)
                    circle = path[at_:]
                    del path[at_:]
                    on_path.difference_update(circle)
                    if len(circle) > 1 or node in reads[node]:
                        found.append(sorted(circle))
    return found


def _reads(subject: Subject, cell: Cell, stuck: dict[_Node, Cell]) -> list[_Node]:
    found = []
    for sheet, (top, bottom, left, right) in subject.graph.precedents(cell):
        if (bottom - top + 1) * (right - left + 1) <= len(stuck):
            inside = ((sheet, r, c) for r in range(top, bottom + 1) for c in range(left, right + 1))
            found += [node for node in inside if node in stuck]
        else:
            found += [n for n in stuck if n[0] == sheet and top <= n[1] <= bottom and left <= n[2] <= right]
    return found
