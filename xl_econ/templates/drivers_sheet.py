"""Writes the Drivers sheet: the goals, the bridge with its chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import case_bridge, goals, shaped, waterfall
from .canvas import Canvas
from .layout import CASES, Chart
from .model import Model
from .parts import DRIVERS, HEADING_ROW, INPUTS, Drawn, absolute, unit_text
from .sensitivity_sheet import bar_label
from .styles import Styles

_WIDTHS = (3, 44, 14, *[16] * 9)
_SOUGHT = ("Now", "To reach it", "Change", "Lowest", "Highest", "Within bounds", "Result there")
_PARTS = ("Start of bar", "More, above 0", "More, below 0", "Less, above 0", "Less, below 0")
_STEPS = ("From", "To", "Result", "Effect", *_PARTS)


def write(ws: Any, style: Styles, model: Model, workbook: Any) -> None:
    """What targets need, and the bridge from the first case to another."""
    spec, sheet = model.layout.drivers, model.drivers
    assert spec is not None  # noqa: S101
    assert sheet is not None  # noqa: S101
    c = Canvas(ws, style, _WIDTHS, one_page=True)
    c.title(DRIVERS, spec.about)
    ws.set_portrait()
    values = sheet.values({case: model.values(case) for case in model.columns.of})
    for block in sheet.sought:
        _goal(c, model, block, values)
    if sheet.bridge:
        _bridge(c, model, sheet.bridge, values, workbook)


def _goal(c: Canvas, model: Model, block: goals.Block, values: Mapping[str, Any]) -> None:
    goal, row = block.goal, block.row
    c.section(row, goal.title, "BCDEFGHIJ")
    c.text(f"B{row + 1}", f"Each figure alone; all others stay as in the live case. {goal.note}".strip(), "about")
    for n, text in ((2, f"Live: {bar_label(model, goal.result)}"), (3, "Moved by"), (4, "Target")):
        c.text(f"B{row + n}", text)
        c.text(f"C{row + n}", "" if n == 3 else unit_text(model.units[goal.result], model.format(goal.result)), "unit")
    c.figures(row + 6, _SOUGHT)
    for r, key in enumerate(goal.rows, block.first):
        c.text(f"B{r}", bar_label(model, key))
        c.text(f"C{r}", model.units[key], "unit")
    _cells(c, block.cells, values)
    c.ws.conditional_format(
        f"I{block.first}:I{block.last}",
        {"type": "cell", "criteria": "equal to", "value": '"no"', "format": c.style("noted")},
    )


def _bridge(c: Canvas, model: Model, block: case_bridge.Block, values: Mapping[str, Any], workbook: Any) -> None:
    spec, row = block.spec, block.row
    c.section(row, spec.title, "BCDEFGHIJKL")
    about = "Figures move one after the other, in this order; every effect is the difference to the row above."
    c.text(f"B{row + 1}", about, "about")
    for n, text in ((2, "From the case"), (3, "To the case"), (4, "Number of that case")):
        c.text(f"B{row + n}", text)
    c.text(f"C{row + 4}", "number", "unit")
    listed: Sequence[str] | str = model.cases
    if model.cases != CASES:
        listed = f"={INPUTS}!{absolute(model.columns.row(HEADING_ROW))}"
    c.choose(block.to_name, listed, "To the case", "One of the cases")
    c.figures(row + 6, _STEPS)
    for r, key in enumerate(spec.rows, block.first):
        c.text(f"B{r}", bar_label(model, key))
        c.text(f"C{r}", model.units[key], "unit")
    c.text(f"B{block.others}", "All other inputs")
    for r in (block.start, block.others, block.end):
        c.text(f"C{r}", model.units[spec.result], "unit")
        for column in case_bridge.FROM + case_bridge.TO + ("" if r == block.others else case_bridge.EFFECT):
            c.text(f"{column}{r}", "")
    _cells(c, block.cells, values)
    chart = workbook.add_chart({"type": "column", "subtype": "stacked"})
    rows, ends = (row + 6, block.start, block.end), {0, block.end - block.start}
    waterfall.add_series(chart, DRIVERS, rows, case_bridge.BARS, ends, spec.better)
    shaped.shape(chart, Chart(title=spec.title, type="waterfall", series=[], axis=spec.axis, format=spec.format))
    chart.set_size({"width": 1100, "height": 360})
    c.ws.insert_chart(block.end + 1, 1, chart, {"x_offset": 4, "y_offset": 4})


def _cells(c: Canvas, cells: Sequence[Drawn], values: Mapping[str, Any]) -> None:
    for cell in cells:
        c.put(cell.at, cell.formula, values[cell.at], cell.kind, cell.format)
