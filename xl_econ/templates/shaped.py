"""Charts that need cells of their own on the Results sheet: a waterfall of effects, and ranges over the cases.

Both are stacked bars on an invisible first bar, so they are native charts in every program.
"""

from __future__ import annotations

from typing import Any

from .canvas import Canvas
from .layout import Chart
from .model import Model
from .parts import RESULTS
from .styles import BAD, LINK_GREEN, NAVY, SERIES

SHAPED = ("waterfall", "range")
_LEGEND_OFF = {"none": True}


def write(c: Canvas, workbook: Any, model: Model, spec: Chart, at: dict[str, int], row: int) -> tuple[Any, int]:
    """The chart and the cells behind it, from `row` on; answers with the chart and the next free row."""
    c.section(row, f"Behind the chart: {spec.title}", "BCDEFG")
    if spec.type == "waterfall":
        _waterfall_cells(c, model, spec, at, row + 1)
    else:
        _range_cells(c, model, spec, at, row + 1)
    first, last = row + 2, row + 1 + len(spec.series)
    chart = workbook.add_chart({"type": "column" if spec.type == "waterfall" else "bar", "subtype": "stacked"})
    names = "EFG" if spec.type == "waterfall" else "EF"
    for column in names:
        n = ord(column) - 65
        series: dict[str, Any] = {
            "name": [RESULTS, row, n],
            "categories": [RESULTS, first - 1, 1, last - 1, 1],
            "values": [RESULTS, first - 1, n, last - 1, n],
            "gap": 40,
        }
        if column == "E":
            series |= {"fill": {"none": True}, "border": {"none": True}}
        elif spec.type == "range":
            series |= {"fill": {"color": SERIES[1]}}
        else:
            series |= {"fill": {"color": BAD if column == "F" else LINK_GREEN}}
            ends = [{"fill": {"color": NAVY}}, *[None] * (len(spec.series) - 2), {"fill": {"color": NAVY}}]
            series |= {"points": ends} if column == "F" else {}
        chart.add_series(series)
    _shape(chart, spec)
    return chart, last + 2


def _shape(chart: Any, spec: Chart) -> None:
    lines = {"visible": True, "line": {"color": "#D9D9D9"}}
    values = {"name": spec.axis, "num_format": spec.format, "major_gridlines": lines}
    chart.set_title({"name": spec.title, "name_font": {"size": 12, "color": NAVY}, "overlay": False})
    if spec.type == "range":
        chart.set_y_axis({"reverse": True})
        chart.set_x_axis(values | {"label_position": "high"})
    else:
        chart.set_y_axis(values | {"min": 0})
        chart.set_x_axis({"num_font": {"size": 9}})
    chart.set_legend(_LEGEND_OFF)
    chart.set_size({"width": 740, "height": 330})


def _heads(c: Canvas, row: int, names: tuple[str, ...]) -> None:
    for column, name in zip("BCDEFG", names, strict=False):
        c.text(f"{column}{row}", name, "heading" if column in "BC" else "heading_number")


def _waterfall_cells(c: Canvas, model: Model, spec: Chart, at: dict[str, int], row: int) -> None:
    """Each effect on the level that it starts from; the first and the last figure stand on the ground."""
    _heads(c, row, ("Step", "", "Live", "Ground", "Total or more", "Less"))
    first, level = row + 1, 0.0
    for n, key in enumerate(spec.series):
        r, value, form = first + n, model.value(key), model.format(key)
        end = n in (0, len(spec.series) - 1)
        _label(c, model, key, at, r)
        before = 0.0 if end else level
        level = value if end else level + value
        c.formula(f"D{r}", f"D{at[key]}", value, "calculation", form)
        if end:
            c.formula(f"E{r}", f"D{r}-D{r}", 0.0, "calculation", form)
        else:
            text = f"MIN(SUM(D{first}:D{r - 1}),SUM(D{first}:D{r}))"
            c.formula(f"E{r}", text, min(before, level), "calculation", form)
        c.formula(f"F{r}", f"MAX(D{r},0)", max(value, 0.0), "calculation", form)
        c.formula(f"G{r}", f"MAX(-D{r},0)", max(-value, 0.0), "calculation", form)


def _range_cells(c: Canvas, model: Model, spec: Chart, at: dict[str, int], row: int) -> None:
    """The span of each figure over the three cases, as shares of the base case, so that all share one axis."""
    _heads(c, row, ("Figure", "", "Base", "Lowest over base", "Span over base", "Highest over base"))
    for r, key in enumerate(spec.series, row + 1):
        k = at[key]
        base, low, high = model.value(key, "Base"), *_ends(model, key)
        _label(c, model, key, at, r)
        c.formula(f"D{r}", f"E{k}", base, "calculation", model.format(key))
        c.formula(f"E{r}", f"MIN(E{k}:G{k})/D{r}", low / base, "calculation", "0%")
        c.formula(f"F{r}", f"(MAX(E{k}:G{k})-MIN(E{k}:G{k}))/D{r}", (high - low) / base, "calculation", "0%")
        c.formula(f"G{r}", f"MAX(E{k}:G{k})/D{r}", high / base, "calculation", "0%")


def _ends(model: Model, key: str) -> tuple[float, float]:
    values = [model.value(key, case) for case in ("Base", "Low", "High")]
    return min(values), max(values)


def _label(c: Canvas, model: Model, key: str, at: dict[str, int], row: int) -> None:
    label = next(r.label for r in model.layout.results if r.key == key)
    c.formula(f"B{row}", f"B{at[key]}", label, "label")
    c.text(f"C{row}", "")

