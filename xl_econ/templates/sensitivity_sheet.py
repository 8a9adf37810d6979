"""Writes the Sensitivity sheet: the grids, the tornado with its chart."""

from __future__ import annotations

from typing import Any

from .canvas import Canvas
from .chain import Cell
from .model import Model
from .parts import SENSITIVITY
from .sensitivity import DOWN, UP, GridBlock, TornadoBlock
from .styles import NAVY, SERIES, Styles

_WIDTHS = (3, 40, 16, 16, 16, 16, 16, 16, 16, 16, 16)
_HEADINGS = ("Low by", "High by", "Low", "High", "Result at low", "Result at high", "Low less live", "High less live")


def write(ws: Any, style: Styles, model: Model, workbook: Any) -> None:
    """The grids and the tornado of the live case."""
    spec, sheet = model.layout.sensitivity, model.sensitivity
    assert spec is not None  # noqa: S101
    assert sheet is not None  # noqa: S101
    c = Canvas(ws, style, _WIDTHS, one_page=True)
    c.title(SENSITIVITY, spec.about)
    for block in sheet.grids:
        _grid(c, model, block)
    if sheet.tornado:
        _tornado(c, model, sheet.tornado, workbook)


def label(model: Model, key: str) -> str:
    """What an input or a row is called, with its unit."""
    name = model.layout.by_key[key].label if key in model.layout.by_key else model.line(key).label
    return f"{name}, {unit}" if (unit := _unit(model, key)) else name


def bar_label(model: Model, key: str) -> str:
    """What a figure of the tornado is called; its unit stands beside it."""
    name = label(model, key)
    return name.rsplit(",", 1)[0] if _unit(model, key) else name


def _unit(model: Model, key: str) -> str:
    unit = model.units[key]
    return "" if unit in ("ratio", "share", "factor") else unit


def _grid(c: Canvas, model: Model, block: GridBlock) -> None:
    g, row = block.grid, block.row
    c.section(row, g.title, "BCDEFGHIJK")
    across, down = label(model, g.across.key), label(model, g.down.key)
    c.text(f"B{row + 1}", f"Across: {across}. Down: {down}. {g.note}".strip(), "about")
    c.text(f"B{row + 2}", f"Live: {label(model, g.result)}", "unit")
    c.text(f"B{row + 3}", "The same by the formula of the cells", "unit")
    for cell in (*block.cells, block.corner, block.link):
        _write(c, cell)
    inner = [cell.at for cell in block.cells if cell.kind == "calculation"]
    c.sign_colours(f"{inner[0]}:{inner[-1]}")
    if g.mark:
        first, last = int(inner[0][1:]), int(inner[-1][1:])
        for column in sorted({at[0] for at in inner}):
            c.lowest_colours(f"{column}{first}:{column}{last}")


def _tornado(c: Canvas, model: Model, block: TornadoBlock, workbook: Any) -> None:
    t, row = block.tornado, block.row
    c.section(row, t.title, "BCDEFGHIJK")
    c.text(
        f"B{row + 1}",
        "One figure moves at a time. The widest bar first, in the case that the file was built for.",
        "about",
    )
    c.text(f"B{row + 2}", f"Live, by the formula of the cells and as calculated: {label(model, t.result)}", "about")
    c.figures(row + 3, _HEADINGS)
    for cell in (block.corner, block.link):
        _write(c, cell)
    first = block.first
    for n, (swing, bar) in enumerate(block.bars, first):
        c.text(f"B{n}", bar_label(model, swing.key))
        c.text(f"C{n}", model.units[swing.key], "unit")
        for cell in bar:
            _write(c, cell)
    at = first + len(block.bars)
    c.ws.insert_chart(at, 1, tornado_chart(block, workbook), {"x_offset": 4, "y_offset": 4})


def _write(c: Canvas, cell: Cell) -> None:
    c.put(cell.at, cell.formula, cell.value, cell.kind, cell.format)


def tornado_chart(block: TornadoBlock, workbook: Any) -> Any:
    """The bars of a tornado as a native chart, for whichever sheet."""
    first = block.first
    last = first + len(block.bars) - 1
    chart = workbook.add_chart({"type": "bar"})
    for column, name, colour in ((DOWN, "Low", SERIES[2]), (UP, "High", SERIES[0])):
        at = ord(column) - 65
        chart.add_series(
            {
                "name": name,
                "categories": [SENSITIVITY, first - 1, 1, last - 1, 1],
                "values": [SENSITIVITY, first - 1, at, last - 1, at],
                "fill": {"color": colour},
                "gap": 40,
                "overlap": 100,
            }
        )
    chart.set_title({"name": block.tornado.title, "name_font": {"size": 12, "color": NAVY}, "overlay": False})
    chart.set_y_axis({"reverse": True, "label_position": "low"})
    lines = {"visible": True, "line": {"color": "#D9D9D9"}}
    axis = {"name": block.tornado.axis, "num_format": block.tornado.format, "major_gridlines": lines}
    chart.set_x_axis(axis | {"label_position": "high"})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 900, "height": 120 + 30 * len(block.bars)})
    return chart
