"""The steps of the functions in a cell, written beside it where nothing stands, or else on a new sheet."""

from __future__ import annotations

from typing import Any

from xl_econ.core.errors import UsageError, XlEconError
from xl_econ.hosts.explain import Step, explain
from xl_econ.hosts.marshal import incoming
from xl_econ.metrics import get
from xl_econ.workbook.recalc import same

from . import excel
from .calls import Call, calls

_HEADING = ["step", "formula or meaning", "value", "unit"]
_NOTHING = [None] * len(_HEADING)
_CLOSE = 1e-9  # relative; further from what the cell shows is worth a word


def selected(app: Any) -> Any:
    """The one cell that is selected; a merged one counts as one.

    Raises:
        UsageError: No cell is selected, or more than one.
    """
    selection = app.selection
    if selection is None:
        raise UsageError("no cell is selected, but a chart, a shape or a chart sheet; click a cell with a function")
    address = selection.address
    first = selection if "," in address else selection[0, 0]
    if "," in address or (selection.count > 1 and first.merge_area.address != address):
        raise UsageError(f"one cell at a time: {address.replace('$', '')} is selected; click the cell to explain")
    return first


def write(cell: Any, title: str) -> str:
    """Write the steps of every function of ours in a cell.

    Args:
        cell: The cell.
        title: Name of the sheet for them if there is no room beside the cell.

    Returns:
        Where they are.

    Raises:
        UsageError: No function of ours in it.
        XlEconError: A function without a result, says why.
        WorkbookError: There is no room, and no sheet can be added.
    """
    sheet, formula = cell.sheet, cell.api.Formula
    place = excel.place_of(sheet, cell.address)
    found = calls(formula) if isinstance(formula, str) and formula.startswith("=") else []
    if not found:
        holds = str(formula)[:60] if str(formula).startswith("=") else "no formula"
        raise UsageError(f"{place} holds {holds}, no function of xl-econ; click a cell with one, as =TRAIN_COST(...)")
    lines = [line for call in found for line in (_NOTHING, *_lines(cell, call, place))][1:]
    where = _room(cell, len(lines), len(_HEADING))
    if where:
        area = excel.write(sheet, *where, lines)
        return f"{place}: the steps are in {excel.place_of(sheet, area.address)}."
    other = excel.new_sheet(sheet.book, title)
    excel.write(other, 1, 1, lines)
    other.autofit("c")
    why = "the sheet is protected" if excel.is_protected(sheet) else "there is no room beside the cell"
    return f"{place}: the steps are on the sheet {other.name}, as {why}."


def _lines(cell: Any, call: Call, place: str) -> list[list[Any]]:
    """The rows about one function."""
    m = get(call.function)
    try:
        given = [incoming(excel.evaluated(cell.sheet, text)) if text else None for text in call.arguments]
        bound = m.bind(tuple(given), {})
        steps = explain(m, {name: bound[name] for name in list(m.params)[: len(given)]})
    except XlEconError as e:
        raise UsageError(f"{place}, {call.function}: {e}") from None
    lines: list[list[Any]] = [[f"{m.name} in {place}", m.doc.summary, None, None], _HEADING]
    lines += [[s.name, s.formula, _value(s), s.unit] for s in steps]
    shown = cell.api.Value2
    if call.whole and not same(shown, steps[-1].value, _CLOSE):
        note = "The cell shows another value: it was computed before a change, or reads tables of its own workbook."
        lines.append(["in the cell", note, shown if isinstance(shown, float | str) else None, None])
    return lines


def _value(step: Step) -> Any:
    return float(step.value) if isinstance(step.value, int) else step.value


def _room(cell: Any, rows: int, columns: int) -> tuple[int, int] | None:
    """Where the steps can stand with a free cell all around: right of the cell, or below it."""
    sheet, row, column = cell.sheet, cell.row, cell.column
    if excel.is_protected(sheet):
        return None
    last = cell.merge_area
    right, below = last.column + last.shape[1] + 1, last.row + last.shape[0] + 1
    for at in ((row, right), (below, column)):
        if excel.is_free(sheet, *at, rows, columns, (row, column)):
            return at
    return None
