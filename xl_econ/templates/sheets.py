"""The sheets of the model: Inputs, Calculation, Results, Checks, and Functions in the lambda flavour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from xl_econ.core.errors import LayoutError

from . import sensitivity_sheet, shaped
from .canvas import Canvas
from .layout import CASES, Chart, ResultRow
from .model import Model
from .parts import (
    CALCULATION,
    FIRST_CASE,
    FUNCTIONS,
    HEADING_ROW,
    LIVE,
    RESULTS,
    SELECTOR_ROW,
    CheckRow,
    Columns,
    Heading,
    InputRow,
    Line,
    absolute,
    unit_text,
)
from .styles import FLAG_FORMAT, LIMIT_FORMAT, NAVY, NOTE_FORMAT, SERIES, Styles

CASE_NUMBER_ROW = SELECTOR_ROW + 1
CHECK_HEADINGS = 5
_LABELLED = 6  # cases whose bars still have room for a label
_CASE_WIDTH = 16
_LANDSCAPE_ROWS = 60  # that a page across can hold and still be read


def named(columns: Columns) -> dict[str, str]:
    """Columns of the Inputs sheet that have a name, which finds an input's cells in a workbook that was edited."""
    cases = (
        {case: columns.of[case] for case in CASES}
        if columns.cases == CASES
        else {"first_case": columns.first, "last_case": columns.last}
    )
    return cases | {what: columns.beyond(n) for what, n in (("source", 3), ("as_of", 4), ("grade", 5), ("key", 7))}


def inputs(ws: Any, style: Styles, model: Model) -> None:
    """The case selector, every input in three cases, and the constants of the definitions."""
    at, count = model.columns, len(model.cases)
    c = Canvas(ws, style, (3, 34, 16, *[at.width(_CASE_WIDTH)] * (count + 1), 10, 10, 9, 56, 12, 8, 50, 24))
    c.title("Inputs", "Type over the blue cells of each case. Live is the case chosen here.")
    names = [
        "",
        "Input",
        "Unit",
        LIVE,
        *model.cases,
        "Lowest",
        "Highest",
        "Bounds",
        "Source",
        "As of",
        "Grade",
        "Note",
        "Key",
    ]
    c.headings(HEADING_ROW, names, [*at.of.values(), at.beyond(0), at.beyond(1)], columns=2)
    c.text(f"B{SELECTOR_ROW}", "Live case", "bold")
    c.text(f"D{SELECTOR_ROW}", model.selected, "input")
    listed: Sequence[str] | str = model.cases if model.cases == CASES else f"={absolute(at.row(HEADING_ROW))}"
    c.choose(f"D{SELECTOR_ROW}", listed, "Live case", ", ".join(model.cases))
    c.text(f"B{CASE_NUMBER_ROW}", "Number of the case")
    number = float(model.cases.index(model.selected) + 1)
    c.formula(f"D{CASE_NUMBER_ROW}", f"MATCH(D{SELECTOR_ROW},{at.row(HEADING_ROW)},0)", number, "calculation", "0")
    for item in model.inputs:
        if isinstance(item, Heading):
            c.section(item.row, item.title)
        else:
            _input(c, item, at)
    c.flag_colours(f"{at.beyond(2)}{model.inputs[0].row}:{at.beyond(2)}{model.end_of_inputs - 1}")
    c.section(model.constants[0].row - 1, "Constants of the definitions")
    for constant in model.constants:
        c.text(f"B{constant.row}", constant.constant.name)
        c.text(f"C{constant.row}", constant.constant.unit, "unit")
        value = float(constant.constant)
        c.number(f"D{constant.row}", value, "constant", "#,##0" if value.is_integer() else "General")


def _input(c: Canvas, item: InputRow, at: Columns) -> None:
    i, row, q = item.input, item.row, item.input.kind
    c.text(f"B{row}", i.label)
    c.text(f"C{row}", "" if q.is_text else q.unit, "unit")
    live = at.chosen(f"$D${CASE_NUMBER_ROW}", row)
    long = {col: v for case, col in at.of.items() if isinstance(v := item.values[case], str) and len(v) > _CASE_WIDTH}
    c.formula(f"D{row}", live, item.values[LIVE], "calculation_long" if "D" in long else "calculation", q.format)
    for case in at.cases:
        column, value = at.of[case], item.values[case]
        if isinstance(value, str):
            c.text(f"{column}{row}", value, "input_long" if column in long else "input", q.format)
        else:
            c.number(f"{column}{row}", value, "input", q.format)
        if q.choices:
            c.choose(f"{column}{row}", q.choices)
        elif not q.is_text:
            c.bounds(f"{column}{row}", q, i.label, i.label)
    low, high, flag, source, as_of, grade, note, key = (at.beyond(n) for n in range(8))
    if not q.is_text:
        c.number(f"{low}{row}", q.low, "limit", LIMIT_FORMAT)
        c.number(f"{high}{row}", q.high, "limit", LIMIT_FORMAT)
        tests = [f"COUNT({at.row(row)})={len(at.cases)}"]
        tests += [f"MIN({at.row(row)}){'>' if q.positive else '>='}{low}{row}"] if math.isfinite(q.low) else []
        tests += [f"MAX({at.row(row)})<={high}{row}"] if math.isfinite(q.high) else []
        c.formula(f"{flag}{row}", f"IF(AND({','.join(tests)}),0,1)", 0, "flag", FLAG_FORMAT)
    origin = item.origin
    said = {source: origin.source, as_of: origin.as_of, grade: origin.grade, note: i.note, key: i.key}
    for column, what in said.items():
        c.text(f"{column}{row}", what, "note")
    c.fit(row, {source: origin.source, note: i.note} | long)


def key_lists(ws: Any, model: Model, bodies: dict[str, tuple[int, int]]) -> None:
    """Inputs that name a row of a table choose from the table's keys."""
    sheets = {t.name: t.sheet for t in model.layout.tables}
    for item in model.inputs:
        if isinstance(item, InputRow) and item.input.table:
            name = sheets[item.input.table]
            first, last = bodies[name]
            source = f"='{name}'!$A${first}:$A${last}"
            ws.data_validation(model.columns.row(item.row), {"validate": "list", "source": source})


def calculation(ws: Any, style: Styles, model: Model) -> None:
    """One step a row, the same formula in the column of every case."""
    at = model.columns
    words_at, note_at = at.beyond(0), at.beyond(1)
    c = Canvas(ws, style, (3, 38, 18, *[at.width(18)] * len(at.of), 72, 44))
    c.title("Calculation", "One step a row, from the definitions of xl-econ. Nothing to type here.")
    names = ["", "Step", "Unit", *at.of, "Formula in words", "Note"]
    c.headings(4, names, list(at.of.values()), columns=3)
    for item in model.lines:
        if isinstance(item, Heading):
            c.section(item.row, item.title)
            continue
        c.text(f"B{item.row}", item.label, "bold" if item.metric else "label")
        number = not isinstance(item.values[LIVE], str)
        c.text(f"C{item.row}", item.unit or (unit_text("", item.format) if number else ""), "unit")
        for case, column in at.of.items():
            kind = "result" if item.metric else "calculation"
            c.formula(f"{column}{item.row}", item.formulas[case], item.values[case], kind, item.format)
        words = f"{item.key} = {item.text}"
        c.text(f"{words_at}{item.row}", words, "formula_text")
        c.text(f"{note_at}{item.row}", item.note, "note")
        c.fit(item.row, {words_at: words, note_at: item.note})


def results(ws: Any, style: Styles, model: Model, workbook: Any) -> dict[str, int]:
    """The results of every case with their charts; answers with the row of each key."""
    columns = model.columns
    c = Canvas(ws, style, (3, 50, 12, *[columns.width(18)] * len(columns.of), 52))
    others = "all three" if model.cases == CASES else "all others"
    c.title("Results", f"{model.layout.title}: the live case beside {others}.")
    c.headings(4, ["", "Result", "Unit", *columns.of, "Note"], list(columns.of.values()))
    at = {r.key: row for row, r in enumerate(model.layout.results, shaped.FIRST_RESULT)}
    for r in model.layout.results:
        _result(c, model, r, at[r.key])
    last = _charts(c, model, workbook, at)
    ws.fit_to_pages(1, 1)
    if last > _LANDSCAPE_ROWS:
        ws.set_portrait()
    return at


def _result(c: Canvas, model: Model, r: ResultRow, row: int) -> None:
    """A figure in every case that it has, its label and its note; texts of the workbook's own are linked."""
    refs, note_at = model.refs(LIVE, RESULTS), model.columns.beyond()
    label = r.named(model.value(r.label_from) if r.label_from else None)
    note = model.value(r.note_from) if r.note_from else r.note
    if r.label_from:
        c.formula(f"B{row}", f'{refs[r.label_from]}&": {r.label}"', label, "label")
    else:
        c.text(f"B{row}", label)
    c.text(f"C{row}", unit_text(model.units[r.key], model.format(r.key)), "unit")
    for case, column in model.columns.of.items():
        if case != LIVE and r.key in model.timeline_keys:  # which shows the live case only
            c.text(f"{column}{row}", "")
            continue
        kind = "link_bold" if case == LIVE else "link"
        ref = model.refs(case, RESULTS)[r.key]
        c.formula(f"{column}{row}", ref, model.value(r.key, case), kind, model.format(r.key))
    if r.note_from:
        c.formula(f"{note_at}{row}", refs[r.note_from], note, "link_note")
    else:
        c.text(f"{note_at}{row}", note, "note")
    c.fit(row, {"B": label, note_at: note})


def _charts(c: Canvas, model: Model, workbook: Any, at: dict[str, int]) -> int:
    """The charts side by side, as many as a page is wide, and below them what cells some need; the next free row."""
    layout = model.layout
    below = shaped.below(layout)
    behind = {id(spec): row for spec, row in shaped.places(layout)}
    if behind:
        c.ws.set_column(8, 8, _CASE_WIDTH, c.style("plain"))
    for spec, (left, line) in zip(layout.charts, shaped.spots(layout), strict=True):
        if id(spec) in behind:
            chart = shaped.write(c, workbook, model, spec, at, behind[id(spec)])
        elif spec.type == "drivers":
            chart = _drivers(model, workbook)
        else:
            chart = _chart(workbook, spec, at, len(model.cases))
        c.ws.insert_chart(below + shaped.CHART_ROWS * line, 1, chart, {"x_offset": left + 4, "y_offset": 4})
    return shaped.free(layout)


def _drivers(model: Model, workbook: Any) -> Any:
    """The tornado of the Sensitivity sheet once more, so that a page of results says what moves them."""
    if model.sensitivity is None or model.sensitivity.tornado is None:
        raise LayoutError(f"{model.layout.name}: a chart of drivers needs a tornado")
    chart = sensitivity_sheet.tornado_chart(model.sensitivity.tornado, workbook)
    chart.set_size({"width": 740, "height": 330})
    return chart


def _chart(workbook: Any, spec: Chart, at: dict[str, int], cases: int) -> Any:
    chart = workbook.add_chart({"type": spec.type} | ({"subtype": "stacked"} if spec.stacked else {}))
    labels = {"value": True, "num_format": spec.format, "font": {"size": 8}}
    for n, key in enumerate(spec.series):
        row = at[key] - 1
        chart.add_series(
            {
                "name": [RESULTS, row, 1],
                "categories": [RESULTS, 3, FIRST_CASE, 3, FIRST_CASE + cases - 1],
                "values": [RESULTS, row, FIRST_CASE, row, FIRST_CASE + cases - 1],
                "fill": {"color": SERIES[n % len(SERIES)]},
                "gap": 60,
                "data_labels": {} if spec.stacked or cases > _LABELLED else labels,
            }
        )
    chart.set_title({"name": spec.title, "name_font": {"size": 12, "color": NAVY}, "overlay": False})
    lines = {"visible": True, "line": {"color": "#D9D9D9"}}
    chart.set_y_axis({"name": spec.axis, "num_format": spec.format, "major_gridlines": lines, "min": 0})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 560, "height": 330})
    return chart


def checks(ws: Any, style: Styles, rows: list[CheckRow], master: str, at: Columns) -> None:
    """Figures and their bounds in every case, a flag each, and the master check that counts the flags."""
    c = Canvas(ws, style, (3, 50, 13, *[at.width(16)] * len(at.of), 14, 14, 10, 64))
    c.title("Checks", "A figure outside its bounds, in any case, raises a flag; the master check counts the flags.")
    names = ["", "Check", "Unit", *at.of, "At least", "At most", "Flag", "Note"]
    c.headings(CHECK_HEADINGS, names, [*at.of.values(), at.beyond(0), at.beyond(1)])
    counted = [r for r in rows if r.severity == "check"]
    informing = [r for r in rows if r.severity == "info"]
    first, last = 6, 5 + len(counted)
    c.ws.set_row(2, 22)
    c.text("B3", "Master check", "master_label")
    c.merged("C3:G3", "", "master")
    flag = at.beyond(2)
    flags = f"SUM({flag}{first}:{flag}{last})"
    c.formula("C3", f'IF({flags}=0,"All checks pass","Checks failed: "&{flags})', master, "master")
    c.master_colours("C3")
    for row, check in enumerate(counted, first):
        _check(c, check, row, FLAG_FORMAT, at)
    if informing:
        c.section(last + 2, "For information, outside the master check", "BCDEFGHIJK")
    for row, check in enumerate(informing, last + 3):
        _check(c, check, row, NOTE_FORMAT, at)
    c.flag_colours(f"{flag}{first}:{flag}{last}")
    c.note_colours(f"{flag}{last + 3}:{flag}{last + 3 + len(informing)}")


def _check(c: Canvas, check: CheckRow, row: int, flag_format: str, at: Columns) -> None:
    low, high, flag, note = (at.beyond(n) for n in range(4))
    c.text(f"B{row}", check.label, "label_long")
    c.text(f"C{row}", unit_text(check.unit, check.format), "unit")
    for case, column in at.of.items():
        if case not in check.formulas:
            c.text(f"{column}{row}", "")
            continue
        c.formula(f"{column}{row}", check.formulas[case], check.values[case], "calculation", check.format)
    c.number(f"{low}{row}", check.low, "limit", check.format)
    c.number(f"{high}{row}", check.high, "limit", check.format)
    cells = f"D{row}:{at.last}{row}"
    tests = [f"MIN({cells})>={low}{row}"] if math.isfinite(check.low) else []
    tests += [f"MAX({cells})<={high}{row}"] if math.isfinite(check.high) else []
    c.formula(f"{flag}{row}", f"IF(AND({','.join(tests)}),0,1)", check.flag, "flag", flag_format)
    c.text(f"{note}{row}", check.note, "note")
    c.fit(row, {"B": check.label, note: check.note})


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
