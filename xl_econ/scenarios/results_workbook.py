"""The workbook of a sweep: what was drawn, what came out, as cells and native charts for people who work in Excel.

Numbers stand as values, since their draws are not in the workbook. What can be asked further is a formula: the chance
of exceeding a budget that somebody types, read off the curve.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from xl_econ import __version__
from xl_econ.core.errors import InputError
from xl_econ.templates.build import writing
from xl_econ.templates.canvas import Canvas
from xl_econ.templates.parts import number_format, unit_text
from xl_econ.templates.styles import NAVY, SERIES, Styles

from . import curve
from .distributions import Discrete, Distribution, Truncated
from .run import Result

SUMMARY, INPUTS, CURVE, CONVERGENCE = "Summary", "Inputs", "Distribution", "Convergence"
_METHODS = {"mc": "Monte Carlo", "lhs": "Latin hypercube", "sobol": "Sobol points", "grid": "Full grid"}
_FIRST = 5
_THREE = ("P10", "P50", "P90")
_AXIS = {"num_font": {"size": 8}}
_LINES = {"visible": True, "line": {"color": "#D9D9D9"}}


def write(result: Result, path: Path, force: bool = False) -> None:
    """Write the workbook of a sweep.

    Args:
        result: What it found.
        path: Where to; replaced only when the new file is whole.
        force: Replace a workbook that somebody has edited.

    Raises:
        InputError: No draw has a result.
        WorkbookError: The file cannot be written.
    """
    key = result.plan.outputs[0]
    if not result.sketches[key].n:
        raise InputError(f"{path}: no draw has a finite {key}: there is nothing to show")
    with writing(path, force) as workbook:
        _Book(workbook, result).write()


class _Book:
    def __init__(self, workbook: Any, result: Result) -> None:
        self.workbook, self.result, self.style = workbook, result, Styles(workbook)
        self.target = result.plan.study.compute()
        self.key = result.plan.outputs[0]
        self.output = self.target.outputs[self.key]
        self.form = self.format_of(self.key)
        self.unit = unit_text(self.output.unit, self.form)
        self.axis, self.axis_form = self._axis()

    def format_of(self, key: str) -> str:
        """The number format of an output."""
        unit = self.target.outputs[key].unit
        return number_format(unit, None)

    def _axis(self) -> tuple[str, str]:
        """What an axis of the output says, and its number format: large figures in thousands or millions."""
        size = max(abs(v) for v in curve.values(self.result, self.key, (0.1, 0.9)))
        for least, word, commas in (
            (1e13, "trillion", ",,,,"),
            (1e10, "billion", ",,,"),
            (1e7, "million", ",,"),
            (1e4, "thousand", ","),
        ):
            if size >= least and "%" not in self.form:
                return f"{self.unit} {word}", f"#,##0{commas}"
        return self.unit, self.form

    def write(self) -> None:
        plan = self.result.plan
        about = f"xl-econ {__version__}: {plan.study.target}, {plan.n:,} draws ({plan.drawn})"
        self.workbook.set_properties({"title": f"{self.output.label}: {plan.study.name}", "comments": about})
        names = (SUMMARY, INPUTS, CURVE, *([CONVERGENCE] if self.result.convergence else []))  # a grid has none
        ws = {name: self.workbook.add_worksheet(name) for name in names}
        curve_rows, bars = self.curve(ws[CURVE])
        if CONVERGENCE in ws:
            self.convergence(ws[CONVERGENCE])
        self.inputs(ws[INPUTS])
        self.summary(ws[SUMMARY], curve_rows, bars)
        ws[SUMMARY].activate()

    # -- the curve --------------------------------------------------------------------------------------------------
    def curve(self, ws: Any) -> tuple[tuple[int, int], tuple[int, int]]:
        """Values below shares, and the bars of the histogram; answers with the first and last row of both."""
        c = Canvas(ws, self.style, (3, 18, 18, 16, 3, 18, 18, 18, 12), wide=False)
        c.title(CURVE, f"{self.output.label}: shares of the draws, and a histogram without the outermost draws.")
        heads = ["", "Share at or below", f"Value, {self.unit}", "Share above", "", "From", "To", "Middle", "Share"]
        c.headings(4, heads, "BCDFGHI")
        found = curve.values(self.result, self.key)
        for row, (share, value) in enumerate(zip(curve.SHARES, found, strict=True), _FIRST):
            c.number(f"B{row}", share, "table_number", "0.0%")
            c.number(f"C{row}", value, "table_number", self.form)
            c.formula(f"D{row}", f"1-B{row}", 1 - share, "calculation", "0.0%")
        edges, shares = curve.histogram(self.result, self.key)
        for n, share in enumerate(shares):
            row = _FIRST + n
            c.number(f"F{row}", edges[n], "table_number", self.form)
            c.number(f"G{row}", edges[n + 1], "table_number", self.form)
            c.formula(f"H{row}", f"(F{row}+G{row})/2", (edges[n] + edges[n + 1]) / 2, "calculation", self.form)
            c.number(f"I{row}", share, "table_number", "0.00%")
        return (_FIRST, _FIRST + len(found) - 1), (_FIRST, _FIRST + len(shares) - 1)

    # -- convergence ------------------------------------------------------------------------------------------------
    def convergence(self, ws: Any) -> None:
        """Mean and quantiles as the draws grow."""
        c = Canvas(ws, self.style, (3, 16, *[18] * 6), wide=False)
        c.title(CONVERGENCE, "What came out after so many draws, with standard errors: what more draws would change.")
        names = ("mean", "p50", "p90")
        heads = ["", "Draws", *(x for name in names for x in (name.capitalize(), f"{name.capitalize()} +/-"))]
        c.headings(4, heads, "BCDEFGH")
        states = self.result.convergence
        for row, state in enumerate(states, _FIRST):
            c.number(f"B{row}", state["n"], "table_number", "#,##0")
            for n, key in enumerate(x for name in names for x in (name, f"{name}_se")):
                value = state.get(key)
                if value is not None:
                    c.number(f"{chr(ord('C') + n)}{row}", value, "table_number", self.form)
        if len(states) > 1:
            chart = self.workbook.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
            last = _FIRST + len(states) - 2
            for n, name in enumerate(names):
                column = 2 + 2 * n
                chart.add_series(
                    {
                        "name": name.capitalize(),
                        "categories": [CONVERGENCE, _FIRST - 1, 1, last, 1],
                        "values": [CONVERGENCE, _FIRST - 1, column, last, column],
                        "line": {"color": SERIES[n], "width": 1.5},
                        "marker": {"type": "circle", "size": 4, "fill": {"color": SERIES[n]}},
                    }
                )
            self.shape(chart, "Convergence", "Draws", "#,##0", self.axis, self.axis_form)
            chart.set_x_axis(_AXIS | {"name": "Draws", "num_format": "#,##0", "log_base": 10, "label_position": "low"})
            chart.set_legend({"position": "bottom"})
            ws.insert_chart(_FIRST + len(states) + 1, 1, chart, {"x_offset": 4, "y_offset": 4})

    # -- inputs -----------------------------------------------------------------------------------------------------
    def inputs(self, ws: Any) -> None:
        """What was fixed, what was drawn and how, and what goes together."""
        c = Canvas(ws, self.style, (3, 52, 16, 16, 14, 14, 14, 48, 28))
        c.title(INPUTS, "What varies with its distribution, what is fixed, and which of them go together.")
        c.headings(4, ["", "Input", "Unit", "Value", "P10", "P50", "P90", "Distribution", "Key"], "DEFG")
        study, row = self.result.plan.study, _FIRST
        varied, fixed = dict(study.varied), dict(study.fixed)
        for key, i in self.target.inputs.items():
            form = i.quantity.format
            c.text(f"B{row}", i.label)
            c.text(f"C{row}", "" if i.unit == "text" else unit_text(i.unit, form), "unit")
            c.text(f"I{row}", key, "note")
            if key in varied:
                d = varied[key]
                c.text(f"D{row}", "")
                c.text(f"H{row}", told(d), "note")
                for column, value in zip("EFG", _quantiles(d), strict=True):
                    c.number(f"{column}{row}", value, "table_number", form)
            else:
                value = fixed.get(key, i.default)
                self._value(c, f"D{row}", value, form)
                for column in "EFG":
                    c.text(f"{column}{row}", "")
                c.text(f"H{row}", "given" if key in fixed else "default", "note")
            row += 1
        if study.correlations:
            row += 1
            c.section(row, "Rank correlations", "BCD")
            for one, other, rank in study.correlations:
                row += 1
                c.text(f"B{row}", f"Correlation of {one} and {other}")
                c.text(f"C{row}", "ratio", "unit")
                c.number(f"D{row}", rank, "table_number", "+0.00;-0.00;0")

    @staticmethod
    def _value(c: Canvas, at: str, value: Any, form: str) -> None:
        if isinstance(value, int | float):
            c.number(at, float(value), "table_number", form)
        else:
            c.text(at, "" if value is None else str(value), "note")

    # -- summary ----------------------------------------------------------------------------------------------------
    def summary(self, ws: Any, rows: tuple[int, int], bars: tuple[int, int]) -> None:
        """The figures to take away, a budget to ask about, and the charts."""
        plan, sketch = self.result.plan, self.result.sketches[self.key]
        c = Canvas(ws, self.style, (3, 40, 16, 20, 60), wide=False)
        c.title(f"{self.output.label}: {plan.study.name}", f"A sweep of {self.target.name}, by xl-econ.")
        c.headings(4, ["", "Result", "Unit", "Value", "Note"], "D")
        shares = dict(zip(self.result.shares, self.result.quantiles(self.key, self.result.shares), strict=True))
        exact = "Exact" if plan.exact else "From bins of at most 0.1% of the value"
        found = [("Mean", sketch.mean, ""), ("Standard deviation", sketch.sd, "")]
        for share, value in shares.items():
            found.append((f"P{share * 100:.10g}", value, f"{share * 100:.10g}% of the draws are at or below. {exact}"))
        found += [("Least", sketch.low, "Of these draws"), ("Greatest", sketch.high, "Of these draws")]
        row = _FIRST
        for label, value, note in found:
            c.text(f"B{row}", label, "bold" if label == "P50" else "label")
            c.text(f"C{row}", self.unit, "unit")
            c.number(f"D{row}", value, "table_number", self.form)
            c.text(f"E{row}", note, "note")
            row += 1
        row = self._others(c, row + 1)
        row = self._budget(c, row + 1, rows, shares)
        row = self._drawn(c, row + 1)
        self._charts(ws, row + 1, rows, bars)
        ws.fit_to_pages(1, 1)

    def _others(self, c: Canvas, row: int) -> int:
        """The other outputs that were asked for: P10, P50 and P90 in a row each."""
        others = self.result.plan.outputs[1:]
        if not others:
            return row - 1
        c.section(row, "Other results", "BCDE")
        for key in others:
            form, output = self.format_of(key), self.target.outputs[key]
            for name, value in zip(_THREE, self.result.quantiles(key, [0.1, 0.5, 0.9]), strict=True):
                row += 1
                c.text(f"B{row}", f"{output.label}, {name}", "label")
                c.text(f"C{row}", unit_text(output.unit, form), "unit")
                c.number(f"D{row}", value, "table_number", form)
                c.text(f"E{row}", key, "note")
        return row + 1

    def _budget(self, c: Canvas, row: int, rows: tuple[int, int], shares: dict[float, float]) -> int:
        """The chance that a result exceeds what somebody types, read off the curve between its points."""
        c.section(row, "A budget", "BCDE")
        plan, sketch = self.result.plan, self.result.sketches[self.key]
        budget = plan.budgets[0] if plan.budgets else shares.get(0.9, sketch.mean)
        shares_at, values_at = (f"{CURVE}!${x}${rows[0]}:${x}${rows[1]}" for x in "BC")
        at, place = f"$D${row + 1}", f"$D${row + 2}"
        found = curve.values(self.result, self.key)
        n = _place(found, budget)
        c.text(f"B{row + 1}", "Budget")
        c.text(f"C{row + 1}", self.unit, "unit")
        c.number(f"D{row + 1}", budget, "input", self.form)
        c.text(f"E{row + 1}", "Type over it", "note")
        c.text(f"B{row + 2}", "Points of the curve at or below it")
        c.text(f"C{row + 2}", "number", "unit")
        c.formula(f"D{row + 2}", f'COUNTIF({values_at},"<="&{at})', float(n), "calculation", "0")
        last = len(found)
        # A sum around each INDEX, which Excel 365 would else mark with an @.
        (share, next_share), (value, next_value) = (
            [f"SUM(INDEX({column},{place}{plus}))" for plus in ("", "+1")] for column in (shares_at, values_at)
        )
        within = f"1-{share}-({next_share}-{share})*({at}-{value})/({next_value}-{value})"
        text = f"IF({place}=0,1,IF({place}>=ROWS({values_at}),0,{within}))"
        if n == 0 or n >= last:
            above = 1.0 if n == 0 else 0.0
        else:
            step = (curve.SHARES[n] - curve.SHARES[n - 1]) * (budget - found[n - 1]) / (found[n] - found[n - 1])
            above = 1 - curve.SHARES[n - 1] - step
        c.text(f"B{row + 3}", "Chance to exceed it", "bold")
        c.text(f"C{row + 3}", "share", "unit")
        c.formula(f"D{row + 3}", text, above, "result", "0.0%")
        note = "Between the points of the Distribution sheet"
        if plan.budgets:
            note += f"; counted for {budget:,.10g}: {sketch.above[0] / sketch.n:.4%}"
        c.text(f"E{row + 3}", note, "note")
        return row + 4

    def _drawn(self, c: Canvas, row: int) -> int:
        plan, sketch = self.result.plan, self.result.sketches[self.key]
        c.section(row, "How it was drawn", "BCDE")
        facts: list[tuple[str, str, float | str]] = [
            ("Draws", "number", plan.n),
            ("of which without a result", "number", sketch.without),
            ("Method", "", _METHODS[plan.method]),
        ]
        if plan.method != "grid":
            facts.append(("Seed", "number", plan.seed))
        for label, unit, value in facts:
            row += 1
            c.text(f"B{row}", label)
            c.text(f"C{row}", unit, "unit")
            if isinstance(value, str):
                c.text(f"D{row}", value, "table_text")
            else:
                c.number(f"D{row}", float(value), "table_number", "#,##0")
        for remark in plan.study.remarks:
            row += 1
            c.text(f"B{row}", remark, "about")
        return row + 1

    def _charts(self, ws: Any, row: int, rows: tuple[int, int], bars: tuple[int, int]) -> None:
        chart = self.workbook.add_chart({"type": "column"})
        chart.add_series(
            {
                "name": "Share of the draws",
                "categories": [CURVE, bars[0] - 1, 7, bars[1] - 1, 7],
                "values": [CURVE, bars[0] - 1, 8, bars[1] - 1, 8],
                "fill": {"color": SERIES[1]},
                "gap": 5,
            }
        )
        self.shape(chart, f"{self.output.label}: draws", self.axis, self.axis_form, "Share of the draws", "0%")
        ws.insert_chart(row, 1, chart, {"x_offset": 4, "y_offset": 4})
        chart = self.workbook.add_chart({"type": "scatter", "subtype": "straight"})
        chart.add_series(
            {
                "name": "Chance to exceed",
                "categories": [CURVE, rows[0] - 1, 2, rows[1] - 1, 2],
                "values": [CURVE, rows[0] - 1, 3, rows[1] - 1, 3],
                "line": {"color": NAVY, "width": 2},
            }
        )
        self.shape(chart, "Chance to exceed a value", self.axis, self.axis_form, "Chance", "0%")
        chart.set_y_axis({"num_format": "0%", "min": 0, "max": 1, "major_gridlines": _LINES})
        ws.insert_chart(row, 1, chart, {"x_offset": 470, "y_offset": 4})

    @staticmethod
    def shape(chart: Any, title: str, x: str, x_format: str, y: str, y_format: str) -> None:
        """Titles and axes."""
        chart.set_title({"name": title, "name_font": {"size": 12, "color": NAVY}, "overlay": False})
        chart.set_x_axis(_AXIS | {"name": x, "num_format": x_format, "label_position": "low"})
        chart.set_y_axis({"name": y, "num_format": y_format, "major_gridlines": _LINES})
        chart.set_legend({"none": True})
        chart.set_size({"width": 456, "height": 300})


def _place(found: list[float], budget: float) -> int:
    return sum(v <= budget for v in found)


def _quantiles(d: Distribution) -> list[float]:
    """P10, P50 and P90; of texts there are none."""
    found = d.of_uniform(np.array([0.1, 0.5, 0.9]))
    return [math.nan] * 3 if isinstance(found[0], str) else [float(v) for v in found]


def told(d: Distribution) -> str:
    """A distribution in words: `Triangular: low 0.2, mode 0.38, high 0.46`."""
    if isinstance(d, Truncated):
        return f"{told(d.whole)}; between {d.low:.6g} and {d.high:.6g}"
    if isinstance(d, Discrete):
        shown = ", ".join(v if isinstance(v, str) else f"{v:.6g}" for v in d.values[:6])
        return f"Of {len(d.values)} values: {shown}{', ...' if len(d.values) > 6 else ''}"
    numbers = {name.replace("_", " "): v for name, v in vars(d).items() if isinstance(v, float)}
    given = ", ".join(f"{name} {v:.6g}" for name, v in numbers.items())
    return f"{type(d).__name__}: {given}"
