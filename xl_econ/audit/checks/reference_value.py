"""What a workbook computes against the reference implementation: the same metrics, computed by the core."""

from __future__ import annotations

from collections.abc import Iterator

from xl_econ.audit.arithmetic import Where
from xl_econ.audit.recognised import Recognised
from xl_econ.audit.registry import ERROR, INFO, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell
from xl_econ.workbook.recalc import CANCELLATION, same

TOLERANCE = 1e-9
_TINY = 1e-6
_LARGE = 2.0  # a ratio that no contingency or rebate explains


@check(
    "reference-value",
    ERROR,
    "A cell computes one of the metrics of xl-econ, and its value is not what the reference implementation gives for "
    "the same inputs",
    "look for the slip that the finding names; if the definition differs on purpose, call the figure by another name",
)
def reference_value(subject: Subject) -> Iterator[Found]:
    """Calls of our functions, steps of our templates, and arithmetic that should come to one of our metrics."""
    differs = {
        where
        for where, r in subject.recognised.items()
        if r.way != "arithmetic" and r.cell.shown is not None and not _agree(subject, r)
    }
    slipped: dict[tuple[str, str, str], list[Recognised]] = {}
    for where, found in subject.recognised.items():
        cell = found.cell
        if found.way == "arithmetic":
            if found.ratio != 1 or found.slip:
                slipped.setdefault((cell.sheet, cell.key, found.slip), []).append(found)
        # What is computed from a value that is wrong itself may well be right.
        elif where in differs and not differs & _read(subject, cell) and not _said_elsewhere(subject, found):
            name = found.metric.name if found.metric else "the step"
            yield at(cell, f"stored as {cell.text}; for these inputs {name} is {found.expected}", found.expected)
    for copies in slipped.values():
        yield _slipped(copies[0], len(copies) - 1)


def _agree(subject: Subject, found: Recognised) -> bool:
    """Whether a cell shows what is expected, or both are what rounding leaves of a difference of what it reads."""
    shown, expected = found.cell.shown, found.expected
    if same(shown, expected, TOLERANCE):
        return True
    if isinstance(shown, bool) or not isinstance(shown, int | float) or not isinstance(expected, int | float):
        return False
    off = abs(shown - expected)
    return off <= CANCELLATION or (off < _TINY and off <= CANCELLATION * _largest(subject, found.cell))


def _largest(subject: Subject, cell: Cell) -> float:
    """The largest number that a cell reads."""
    read = (c.shown for place in subject.graph.precedents(cell) for c in subject.graph.cells(place) if c.is_number)
    return max((abs(float(v)) for v in read), default=0.0)


def _slipped(found: Recognised, copies: int) -> Found:
    assert found.metric is not None  # noqa: S101  (arithmetic is that of a metric)
    how = f"{found.ratio:.6g} times what {found.metric.name} gives for its inputs ({found.expected:.8g})"
    severity = "" if found.slip else WARNING if not 1 / _LARGE < found.ratio < _LARGE else INFO
    why = f": {found.slip}" if found.slip else ""
    more = f"; so are {copies} copies" if copies else ""
    return at(found.cell, f"{found.cell.text} is {how}{why}{more}", found.expected, severity)


def _said_elsewhere(subject: Subject, found: Recognised) -> bool:
    """Whether another check says what is wrong: a stale value, or an edit of the template."""
    cell = found.cell
    computed = subject.computed(cell)
    if computed is not None and same(computed, found.expected, TOLERANCE):
        return True
    if found.way != "step" or subject.manifest is None:
        return False
    changed = {
        (subject.manifest.books.sheets[k.sheet], k.there.row, k.there.column)
        for k in subject.manifest.changed()
        if k.there
    }
    return not subject.as_built(cell) or bool(_read(subject, cell) & changed)


def _read(subject: Subject, cell: Cell) -> set[Where]:
    return {(c.sheet, c.row, c.column) for place in subject.graph.precedents(cell) for c in subject.graph.cells(place)}
