"""The sheets of the model: Inputs, Calculation, Results, Checks, and Functions in the lambda flavour."""

from __future__ import annotations

import math
from typing import Any

from xl_econ.core.errors import LayoutError

from . import sensitivity_sheet, shaped
from .canvas import Canvas
from .layout import CASES, Chart
from .model import Model
from .parts import (
    CALCULATION,
    COLUMNS,
    FUNCTIONS,
    LIVE,
    RESULTS,
    SELECTOR_ROW,
    CheckRow,
    Heading,
    InputRow,
    Line,
    unit_text,
)
from .styles import FLAG_FORMAT, LIMIT_FORMAT, NAVY, NOTE_FORMAT, SERIES, Styles

CASE_NUMBER_ROW = SELECTOR_ROW + 1
_CASE_WIDTH = 16
HEADING_ROW = 8
# Columns of the Inputs sheet that have a name, which finds an input's cells in a workbook that was edited.
NAMED = {case: COLUMNS[case] for case in CASES} | {"source": "K", "as_of": "L", "grade": "M", "key": "O"}
_CHART_ROWS = 20  # that a chart covers


def inputs(ws: Any, style: Styles, model: Model) -> None:
    """The case selector, every input in three cases, and the constants of the definitions."""
    c = Canvas(ws, style, (3, 34, 16, *[_CASE_WIDTH] * 4, 10, 10, 9, 56, 12, 8, 50, 24))
    c.title("Inputs", "Type over the blue cells of each case. Live is the case chosen here.")
    names = [
        "",
        "Input",
        "Unit",
        LIVE,
        *CASES,
        "Lowest",
        "Highest",
        "Bounds",
        "Source",
        "As of",
        "Grade",
        "Note",
        "Key",
    ]
    c.headings(HEADING_ROW, names, "DEFGHI", columns=2)
    c.text(f"B{SELECTOR_ROW}", "Live case", "bold")
    c.text(f"D{SELECTOR_ROW}", model.selected, "input")
    c.choose(f"D{SELECTOR_ROW}", CASES, "Live case", ", ".join(CASES))
    c.text(f"B{CASE_NUMBER_ROW}", "Number of the case")
    number = float(CASES.index(model.selected) + 1)
    c.formula(f"D{CASE_NUMBER_ROW}", f"MATCH(D{SELECTOR_ROW},E8:G8,0)", number, "calculation", "0")
    for item in model.inputs:
        if isinstance(item, Heading):
            c.section(item.row, item.title)
        else:
            _input(c, item)
    c.flag_colours(f"J{model.inputs[0].row}:J{model.end_of_inputs - 1}")
    c.section(model.constants[0].row - 1, "Constants of the definitions")
    for constant in model.constants:
        c.text(f"B{constant.row}", constant.constant.name)
        c.text(f"C{constant.row}", constant.constant.unit, "unit")
        value = float(constant.constant)
        c.number(f"D{constant.row}", value, "constant", "#,##0" if value.is_integer() else "General")


def _input(c: Canvas, item: InputRow) -> None:
    i, row, q = item.input, item.row, item.input.kind
    c.text(f"B{row}", i.label)
    c.text(f"C{row}", "" if q.is_text else q.unit, "unit")
    live = f"CHOOSE($D${CASE_NUMBER_ROW},E{row},F{row},G{row})"
    long = {col: v for case, col in COLUMNS.items() if isinstance(v := item.values[case], str) and len(v) > _CASE_WIDTH}
    c.formula(f"D{row}", live, item.values[LIVE], "calculation_long" if "D" in long else "calculation", q.format)
    for case in CASES:
        cell, value = f"{COLUMNS[case]}{row}", item.values[case]
        if isinstance(value, str):
            c.text(cell, value, "input_long" if COLUMNS[case] in long else "input", q.format)
        else:
            c.number(cell, value, "input", q.format)
        if q.choices:
            c.choose(cell, q.choices)
        elif not q.is_text:
            c.bounds(cell, q, i.label, i.label)
    if not q.is_text:
        c.number(f"H{row}", q.low, "limit", LIMIT_FORMAT)
        c.number(f"I{row}", q.high, "limit", LIMIT_FORMAT)
        tests = [f"COUNT(E{row}:G{row})={len(CASES)}"]
        tests += [f"MIN(E{row}:G{row}){'>' if q.positive else '>='}H{row}"] if math.isfinite(q.low) else []
        tests += [f"MAX(E{row}:G{row})<=I{row}"] if math.isfinite(q.high) else []
        c.formula(f"J{row}", f"IF(AND({','.join(tests)}),0,1)", 0, "flag", FLAG_FORMAT)
    origin = item.origin
    for column, what in zip("KLMNO", (origin.source, origin.as_of, origin.grade, i.note, i.key), strict=True):
        c.text(f"{column}{row}", what, "note")
    c.fit(row, {"K": origin.source, "N": i.note} | long)


def key_lists(ws: Any, model: Model, bodies: dict[str, tuple[int, int]]) -> None:
    """Inputs that name a row of a table choose from the table's keys."""
    sheets = {t.name: t.sheet for t in model.layout.tables}
    for item in model.inputs:
        if isinstance(item, InputRow) and item.input.table:
            name = sheets[item.input.table]
            first, last = bodies[name]
            source = f"='{name}'!$A${first}:$A${last}"
            ws.data_validation(f"E{item.row}:G{item.row}", {"validate": "list", "source": source})


def calculation(ws: Any, style: Styles, model: Model) -> None:
    """One step a row, the same formula in the column of every case."""
    c = Canvas(ws, style, (3, 38, 18, 18, 18, 18, 18, 72, 44))
    c.title("Calculation", "One step a row, from the definitions of xl-econ. Nothing to type here.")
    c.headings(4, ["", "Step", "Unit", LIVE, *CASES, "Formula in words", "Note"], "DEFG", columns=3)
    for item in model.lines:
        if isinstance(item, Heading):
            c.section(item.row, item.title)
            continue
        c.text(f"B{item.row}", item.label, "bold" if item.metric else "label")
        number = not isinstance(item.values[LIVE], str)
        c.text(f"C{item.row}", item.unit or (unit_text("", item.format) if number else ""), "unit")
        for case, column in COLUMNS.items():
            kind = "result" if item.metric else "calculation"
            c.formula(f"{column}{item.row}", item.formulas[case], item.values[case], kind, item.format)
        words = f"{item.key} = {item.text}"
        c.text(f"H{item.row}", words, "formula_text")
        c.text(f"I{item.row}", item.note, "note")
        c.fit(item.row, {"H": words, "I": item.note})


def results(ws: Any, style: Styles, model: Model, workbook: Any) -> dict[str, int]:
    """The results of every case with their charts; answers with the row of each key."""
    c = Canvas(ws, style, (3, 38, 12, 18, 18, 18, 18, 40))
    c.title("Results", f"{model.layout.title}: the live case beside all three.")
    c.headings(4, ["", "Result", "Unit", LIVE, *CASES, "Note"], "DEFG")
    at = {}
    for row, r in enumerate(model.layout.results, 5):
        at[r.key] = row
        c.text(f"B{row}", r.label)
        c.text(f"C{row}", unit_text(model.units[r.key], model.format(r.key)), "unit")
        for case, column in COLUMNS.items():
            kind = "link_bold" if case == LIVE else "link"
            ref = model.refs(case, RESULTS)[r.key]
            c.formula(f"{column}{row}", ref, model.value(r.key, case), kind, model.format(r.key))
        c.text(f"H{row}", r.note, "note")
    below = 6 + len(at)
    free = below + _CHART_ROWS  # for cells behind charts
    if any(spec.type in shaped.SHAPED for spec in model.layout.charts):
        ws.fit_to_pages(1, 1)
        ws.set_column(8, 8, _CASE_WIDTH, style("plain"))
    left = 4
    for spec in model.layout.charts:
        if spec.type in shaped.SHAPED:
            chart, free = shaped.write(c, workbook, model, spec, at, free)
        elif spec.type == "drivers":
            chart = _drivers(model, workbook)
        else:
            chart = _chart(workbook, spec, at)
        ws.insert_chart(below, 1, chart, {"x_offset": left, "y_offset": 4})
        left += int(chart.width) + 16
    return at


def _drivers(model: Model, workbook: Any) -> Any:
    """The tornado of the Sensitivity sheet once more, so that a page of results says what moves them."""
    if model.sensitivity is None or model.sensitivity.tornado is None:
        raise LayoutError(f"{model.layout.name}: a chart of drivers needs a tornado")
    chart = sensitivity_sheet.tornado_chart(model.sensitivity.tornado, workbook)
    chart.set_size({"width": 740, "height": 330})
    return chart


def _chart(workbook: Any, spec: Chart, at: dict[str, int]) -> Any:
    chart = workbook.add_chart({"type": spec.type} | ({"subtype": "stacked"} if spec.stacked else {}))
    labels = {"value": True, "num_format": spec.format, "font": {"size": 8}}
    for n, key in enumerate(spec.series):
        row = at[key] - 1
        chart.add_series(
            {
                "name": [RESULTS, row, 1],
                "categories": [RESULTS, 3, 4, 3, 6],
                "values": [RESULTS, row, 4, row, 6],
                "fill": {"color": SERIES[n % len(SERIES)]},
                "gap": 60,
                "data_labels": {} if spec.stacked else labels,
            }
        )
    chart.set_title({"name": spec.title, "name_font": {"size": 12, "color": NAVY}, "overlay": False})
    lines = {"visible": True, "line": {"color": "#D9D9D9"}}
    chart.set_y_axis({"name": spec.axis, "num_format": spec.format, "major_gridlines": lines, "min": 0})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 560, "height": 330})
    return chart


def checks(ws: Any, style: Styles, rows: list[CheckRow], master: str) -> None:
    """Figures and their bounds in every case, a flag each, and the master check that counts the flags."""
    c = Canvas(ws, style, (3, 50, 13, 16, 16, 16, 16, 14, 14, 10, 64))
    c.title("Checks", "A figure outside its bounds, in any case, raises a flag; the master check counts the flags.")
    c.headings(5, ["", "Check", "Unit", LIVE, *CASES, "At least", "At most", "Flag", "Note"], "DEFGHI")
    counted = [r for r in rows if r.severity == "check"]
    informing = [r for r in rows if r.severity == "info"]
    first, last = 6, 5 + len(counted)
    c.ws.set_row(2, 22)
    c.text("B3", "Master check", "master_label")
    c.merged("C3:G3", "", "master")
    flags = f"SUM(J{first}:J{last})"
    c.formula("C3", f'IF({flags}=0,"All checks pass","Checks failed: "&{flags})', master, "master")
    c.master_colours("C3")
    for row, check in enumerate(counted, first):
        _check(c, check, row, FLAG_FORMAT)
    if informing:
        c.section(last + 2, "For information, outside the master check", "BCDEFGHIJK")
    for row, check in enumerate(informing, last + 3):
        _check(c, check, row, NOTE_FORMAT)
    c.flag_colours(f"J{first}:J{last}")
    c.note_colours(f"J{last + 3}:J{last + 3 + len(informing)}")


def _check(c: Canvas, check: CheckRow, row: int, flag_format: str) -> None:
    c.text(f"B{row}", check.label)
    c.text(f"C{row}", unit_text(check.unit, check.format), "unit")
    for case, column in COLUMNS.items():
        if case not in check.formulas:
            c.text(f"{column}{row}", "")
            continue
        c.formula(f"{column}{row}", check.formulas[case], check.values[case], "calculation", check.format)
    c.number(f"H{row}", check.low, "limit", check.format)
    c.number(f"I{row}", check.high, "limit", check.format)
    tests = [f"MIN(D{row}:G{row})>=H{row}"] if math.isfinite(check.low) else []
    tests += [f"MAX(D{row}:G{row})<=I{row}"] if math.isfinite(check.high) else []
    c.formula(f"J{row}", f"IF(AND({','.join(tests)}),0,1)", check.flag, "flag", flag_format)
    c.text(f"K{row}", check.note, "note")
    c.fit(row, {"B": check.label, "K": check.note})


def functions(ws: Any, style: Styles, lines: list[Line]) -> None:
    """The results once more by the named functions, with the difference from the steps."""
    c = Canvas(ws, style, (3, 36, 78, 20, 20, 14, 10))
    c.title(FUNCTIONS, "The same results by the named functions (LAMBDA) of the Name Manager, in Excel 365.")
    c.headings(4, ["", "Result", "Named function", "By function", "By steps", "Difference", "Flag"], "DEF")
    for row, line in enumerate(lines, 5):
        value = line.values[LIVE]
        c.text(f"B{row}", line.label)
        c.text(f"C{row}", f"={line.call}", "formula_text")
        ws.write_dynamic_array_formula(f"D{row}", f"={line.call}", style("calculation", line.format), value)
        c.formula(f"E{row}", f"{CALCULATION}!D{line.row}", value, "link", line.format)
        c.formula(f"F{row}", f"IF(E{row}=0,D{row},D{row}/E{row}-1)", 0.0, "calculation", "0.0E+00")
        c.formula(f"G{row}", f"IF(ABS(F{row})<=1E-12,0,1)", 0, "flag", FLAG_FORMAT)
        c.fit(row, {"C": line.call})
    c.flag_colours(f"G5:G{4 + len(lines)}")
