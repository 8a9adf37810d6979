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
_BARS = {"waterfall": "EFGHI", "range": "EF"}
_CELL = ("calculation", "#,##0.00;(#,##0.00);-")


def write(c: Canvas, workbook: Any, model: Model, spec: Chart, at: dict[str, int], row: int) -> tuple[Any, int]:
    """The chart and the cells behind it, from `row` on; answers with the chart and the next free row."""
    names = _BARS[spec.type]
    c.section(row, f"Behind the chart: {spec.title}", "BCDEFGHI" if spec.type == "waterfall" else "BCDEFG")
    if spec.type == "waterfall":
        _waterfall_cells(c, model, spec, at, row + 1)
    else:
        _range_cells(c, model, spec, at, row + 1)
    first, last = row + 2, row + 1 + len(spec.series)
    chart = workbook.add_chart({"type": "column" if spec.type == "waterfall" else "bar", "subtype": "stacked"})
    for column in names:
        n = ord(column) - 65
        series: dict[str, Any] = {
            "name": [RESULTS, row, n],
            "categories": [RESULTS, first - 1, 1, last - 1, 1],
            "values": [RESULTS, first - 1, n, last - 1, n],
            "gap": 40,
        }
        colour = SERIES[1] if spec.type == "range" else BAD if column in "FG" else LINK_GREEN
        series |= {"fill": {"none": True}, "border": {"none": True}} if column == "E" else {"fill": {"color": colour}}
        if spec.type == "waterfall" and column != "E":  # the sum of all
            series |= {"points": [*[None] * (len(spec.series) - 1), {"fill": {"color": NAVY}}]}
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
        chart.set_y_axis(values)
        chart.set_x_axis({"num_font": {"size": 9}, "label_position": "low"})
    chart.set_legend(_LEGEND_OFF)
    chart.set_size({"width": 740, "height": 330})


def _heads(c: Canvas, row: int, names: tuple[str, ...]) -> None:
    for column, name in zip("BCDEFGHI", names, strict=False):
        c.text(f"{column}{row}", name, "heading" if column in "BC" else "heading_number")


def _waterfall_cells(c: Canvas, model: Model, spec: Chart, at: dict[str, int], row: int) -> None:
    """Each effect from the level that the earlier ones reach; the last figure is their sum and stands on 0.

    A bar that crosses 0 has a part above and a part below, since stacked columns grow away from 0.
    """
    _heads(
        c,
        row,
        ("Step", "Unit", "Effect", "Start of bar", "More, above 0", "More, below 0", "Less, above 0", "Less, below 0"),
    )
    first, level = row + 1, 0.0
    for n, key in enumerate(spec.series):
        r, value, form = first + n, model.value(key), model.format(key)
        last = n == len(spec.series) - 1
        _label(c, model, key, at, r)
        before, after = (0.0, value) if last else (level, level + value)
        level = after
        c.formula(f"D{r}", f"D{at[key]}", value, "calculation", form)
        top = f"D{r}" if last else f"SUM(D${first}:D{r})"
        foot = "0" if last or n == 0 else f"SUM(D${first}:D{r - 1})"
        low, high = min(before, after), max(before, after)
        c.formula(f"E{r}", f"MAX(MIN({foot},{top}),0)+MIN(MAX({foot},{top}),0)", max(low, 0.0) + min(high, 0.0), *_CELL)
        up, down = max(high, 0.0) - max(low, 0.0), min(low, 0.0) - min(high, 0.0)
        above, below = f"MAX({foot},{top},0)-MAX(MIN({foot},{top}),0)", f"MIN({foot},{top},0)-MIN(MAX({foot},{top}),0)"
        rising = value >= 0
        for column, text, found, sign in (
            ("F", above, up if rising else 0.0, ">="),
            ("G", below, down if rising else 0.0, ">="),
            ("H", above, 0.0 if rising else up, "<"),
            ("I", below, 0.0 if rising else down, "<"),
        ):
            c.formula(f"{column}{r}", f"IF(D{r}{sign}0,{text},0)", found, *_CELL)


def _range_cells(c: Canvas, model: Model, spec: Chart, at: dict[str, int], row: int) -> None:
    """The span of each figure over the three cases, as shares of the base case, so that all share one axis."""
    _heads(c, row, ("Figure", "Unit", "Base", "Lowest over base", "Span over base", "Highest over base"))
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
    spec = next(r for r in model.layout.results if r.key == key)
    whose = model.value(spec.label_from) if spec.label_from else None
    c.formula(f"B{row}", f"B{at[key]}", spec.named(whose), "label")
    unit = model.units[key]
    c.text(f"C{row}", "" if unit == "ratio" else unit, "unit")
