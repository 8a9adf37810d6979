"""Charts that need cells of their own on the Results sheet: a waterfall of effects, and ranges over the cases.

Both are stacked bars on an invisible first bar, so they are native charts in every program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import waterfall
from .canvas import Canvas
from .layout import Chart, Layout
from .model import Model
from .parts import LIVE, RESULTS
from .styles import NAVY, SERIES

SHAPED = ("waterfall", "range")
FIRST_RESULT = 5
CHART_ROWS = 20  # that a chart covers
_PAGE, _WIDE, _NARROW = 1500, 740, 560  # pixels of a page of results and of its charts
_LEGEND_OFF = {"none": True}
_BARS = {"waterfall": "EFGHI", "range": "EF"}
_CELL = ("calculation", "#,##0.00;(#,##0.00);-")


def places(layout: Layout) -> Iterator[tuple[Chart, int]]:
    """The charts with cells of their own, and the row of the section that each begins with."""
    row = _first_free(layout)
    for spec in layout.charts:
        if spec.type in SHAPED:
            yield spec, row
            row += len(spec.series) + 3


def below(layout: Layout) -> int:
    """The row in which the charts begin."""
    return FIRST_RESULT + len(layout.results) + 1


def spots(layout: Layout) -> list[tuple[int, int]]:
    """Where each chart stands: pixels from the left, and its line of charts, as many as a page is wide."""
    found, left, line = [], 0, 0
    for spec in layout.charts:
        width = _WIDE if spec.type in (*SHAPED, "drivers") else _NARROW
        if left and left + width > _PAGE:
            left, line = 0, line + 1
        found.append((left, line))
        left += width + 16
    return found


def _first_free(layout: Layout) -> int:
    return below(layout) + CHART_ROWS * (max((line for _, line in spots(layout)), default=0) + 1)


def free(layout: Layout) -> int:
    """The first row under all charts and the cells behind them."""
    return max((row + len(spec.series) + 3 for spec, row in places(layout)), default=_first_free(layout))


def write(c: Canvas, workbook: Any, model: Model, spec: Chart, at: dict[str, int], row: int) -> Any:
    """The chart, and the cells behind it from `row` on."""
    names = _BARS[spec.type]
    c.section(row, f"Behind the chart: {spec.title}", "BCDEFGHI" if spec.type == "waterfall" else "BCDEFG")
    if spec.type == "waterfall":
        _waterfall_cells(c, model, spec, at, row + 1)
    else:
        _range_cells(c, model, spec, at, row + 1)
    first, last = row + 2, row + 1 + len(spec.series)
    chart = workbook.add_chart({"type": "column" if spec.type == "waterfall" else "bar", "subtype": "stacked"})
    if spec.type == "waterfall":
        waterfall.add_series(chart, RESULTS, (row + 1, first, last), names, {len(spec.series) - 1})
    else:
        for column, look in zip(names, (waterfall.HIDDEN, {"fill": {"color": SERIES[1]}}), strict=True):
            chart.add_series(waterfall.series(RESULTS, (row + 1, first, last), column) | look)
    shape(chart, spec)
    return chart


def shape(chart: Any, spec: Chart) -> None:
    """Titles and axes."""
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
    first = row + 1
    found = values(spec, row, model.value, model.cases)
    for n, key in enumerate(spec.series):
        r, last = first + n, n == len(spec.series) - 1
        _label(c, model, key, at, r)
        c.formula(f"D{r}", f"D{at[key]}", found[f"D{r}"], "calculation", model.format(key))
        top = f"D{r}" if last else f"SUM(D${first}:D{r})"
        foot = "0" if last or n == 0 else f"SUM(D${first}:D{r - 1})"
        for column, text in zip("EFGHI", waterfall.bar_formulas(foot, top, f"D{r}"), strict=True):
            c.formula(f"{column}{r}", text, found[f"{column}{r}"], *_CELL)


def _range_cells(c: Canvas, model: Model, spec: Chart, at: dict[str, int], row: int) -> None:
    """The span of each figure over the three cases, as shares of the base case, so that all share one axis."""
    _heads(c, row, ("Figure", "Unit", model.cases[0], "Lowest over base", "Span over base", "Highest over base"))
    found = values(spec, row, model.value, model.cases)
    for r, key in enumerate(spec.series, row + 1):
        k = at[key]
        _label(c, model, key, at, r)
        c.formula(f"D{r}", f"E{k}", found[f"D{r}"], "calculation", model.format(key))
        cells = model.columns.row(k)
        c.formula(f"E{r}", f"MIN({cells})/D{r}", found[f"E{r}"], "calculation", "0%")
        c.formula(f"F{r}", f"(MAX({cells})-MIN({cells}))/D{r}", found[f"F{r}"], "calculation", "0%")
        c.formula(f"G{r}", f"MAX({cells})/D{r}", found[f"G{r}"], "calculation", "0%")


def values(spec: Chart, row: int, value: Callable[[str, str], Any], cases: Sequence[str]) -> dict[str, Any]:
    """The cells behind a chart whose headings stand in `row`, for the values by key and case."""
    if spec.type == "waterfall":
        return _waterfall(spec.series, row + 1, value)
    return _range(spec.series, row + 1, value, cases)


def _waterfall(series: Sequence[str], row: int, value: Callable[[str, str], Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    level = 0.0
    for r, key in enumerate(series, row):
        effect = value(key, LIVE)
        before, after = (0.0, effect) if r == row + len(series) - 1 else (level, level + effect)
        level = after
        cells = (effect, *waterfall.bar_values(before, after, effect))
        found |= {f"{column}{r}": v for column, v in zip("DEFGHI", cells, strict=True)}
    return found


def _range(series: Sequence[str], row: int, value: Callable[[str, str], Any], cases: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for r, key in enumerate(series, row):
        spread = [value(key, case) for case in cases]
        base, low, high = spread[0], min(spread), max(spread)
        cells = (base, low / base, (high - low) / base, high / base)
        found |= {f"{column}{r}": v for column, v in zip("DEFG", cells, strict=True)}
    return found


def _label(c: Canvas, model: Model, key: str, at: dict[str, int], row: int) -> None:
    spec = next(r for r in model.layout.results if r.key == key)
    whose = model.value(spec.label_from) if spec.label_from else None
    c.formula(f"B{row}", f"B{at[key]}", spec.named(whose), "label")
    unit = model.units[key]
    c.text(f"C{row}", "" if unit == "ratio" else unit, "unit")
