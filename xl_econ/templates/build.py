"""Builds the workbook of a model with XlsxWriter; every formula is stored with the value that the core gave it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import xlsxwriter

from xl_econ import __version__
from xl_econ.core.errors import WorkbookError
from xl_econ.hosts.names import names
from xl_econ.workbook.write import replacing

from . import tables
from .layout import CASES, Layout
from .model import CALCULATION, CHECKS, COLUMNS, FUNCTIONS, INPUTS, LIVE, RESULTS, SELECTOR_ROW, Heading, InputRow, Model
from .styles import FLAG_FORMAT, Styles

Flavour = Literal["plain", "lambda"]
FLAVOURS: tuple[Flavour, ...] = ("plain", "lambda")
_CASE_NUMBER_ROW = SELECTOR_ROW + 1


def build(model: Model, path: Path, flavour: Flavour = "plain", texts: Mapping[str, str] | None = None) -> None:
    """Write the workbook of a model.

    Args:
        model: The template with its values.
        path: Where to; replaced only when the new file is whole.
        flavour: "plain" for Excel 2016 and later, LibreOffice and the web; "lambda" adds the named functions (Excel 365).
        texts: Texts of the cover: purpose and owner.

    Raises:
        WorkbookError: The file cannot be written.
    """
    with replacing(path) as beside:
        try:
            with xlsxwriter.Workbook(str(beside), {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
                _Builder(workbook, model, flavour, dict(texts or {})).write()
        except xlsxwriter.exceptions.FileCreateError as e:
            raise WorkbookError(f"{path}: cannot be written: {e}") from None


class _Builder:
    """One workbook being written, a method a sheet."""

    def __init__(self, workbook: Any, model: Model, flavour: Flavour, texts: dict[str, str]) -> None:
        self.workbook, self.model, self.flavour, self.texts = workbook, model, flavour, texts
        self.layout: Layout = model.layout
        self.style = Styles(workbook)
        self.sheet: Any = None
        self.functions = [x for x in model.lines if not isinstance(x, Heading) and x.metric]

    def write(self) -> None:
        created = datetime.fromisoformat(self.layout.as_of).replace(tzinfo=UTC)
        self.workbook.set_properties(
            {
                "title": self.layout.title,
                "subject": self.layout.about,
                "comments": f"xl-econ {__version__}, template {self.layout.name} {self.layout.version}, {self.flavour}",
                "created": created.replace(tzinfo=None),
            }
        )
        self.workbook.set_calc_mode("auto")
        sheets = ["Cover", INPUTS, CALCULATION, RESULTS, CHECKS, *(t.sheet for t in self.layout.tables)]
        sheets += [FUNCTIONS] if self.flavour == "lambda" else []
        self.sheets = [*sheets, "Sources", "Changelog", "Glossary"]
        made = {name: self.workbook.add_worksheet(name) for name in self.sheets}
        for name, write in {
            "Cover": self.cover,
            INPUTS: self.inputs,
            CALCULATION: self.calculation,
            RESULTS: self.results,
            CHECKS: self.checks,
            "Sources": self.sources,
            "Changelog": self.changelog,
            "Glossary": self.glossary,
        }.items():
            self.sheet = made[name]
            self._page(landscape=name not in ("Cover", "Glossary"))
            write()
        self.table_bodies = {
            t.sheet: tables.write(made[t.sheet], self.style, self.model, t) for t in self.layout.tables
        }
        self._key_lists(made[INPUTS])
        if self.flavour == "lambda":
            self.sheet = made[FUNCTIONS]
            self._page()
            self.function_sheet()
        self._names()
        made["Cover"].activate()

    # -- helpers ------------------------------------------------------------------------------------------------
    def _page(self, landscape: bool = True) -> None:
        s = self.sheet
        s.hide_gridlines(2)
        s.set_paper(9)
        if landscape:
            s.set_landscape()
        s.fit_to_pages(1, 0)
        s.set_margins(0.5, 0.5, 0.6, 0.6)
        s.set_footer("&L&8&F&C&8&A&R&8Page &P of &N")
        s.set_default_row(15)

    def _head(self, title: str, about: str, headings: list[str], row: int, right: tuple[int, ...] = ()) -> None:
        """Title, subtitle and the heading row, which stays in view and is repeated on every printed page."""
        self.sheet.set_row(0, 26)
        self.text("A1", title, "title")
        self.text("A2", about, "about")
        for column, heading in enumerate(headings):
            style = "heading_number" if column in right else "heading"
            self.sheet.write_string(row - 1, column, heading, self.style(style))
        self.sheet.freeze_panes(row, 0)
        self.sheet.repeat_rows(row - 1)

    def _columns(self, *widths: float) -> None:
        for column, width in enumerate(widths):
            self.sheet.set_column(column, column, width, self.style("table_text"))

    def text(self, cell: str, value: str, style: str = "label") -> None:
        self.sheet.write_string(cell, value, self.style(style))

    def number(self, cell: str, value: float, style: str, fmt: str = "General") -> None:
        if math.isfinite(value):
            self.sheet.write_number(cell, value, self.style(style, fmt))
        else:
            self.sheet.write_blank(cell, None, self.style(style))

    def formula(self, cell: str, text: str, value: Any, style: str, fmt: str = "General") -> None:
        self.sheet.write_formula(cell, f"={text}", self.style(style, fmt), value)

    def value(self, cell: str, value: Any, fmt: str) -> None:
        """An input of a case: a number or a text, in the input style."""
        if isinstance(value, str):
            self.sheet.write_string(cell, value, self.style("input"))
        else:
            self.number(cell, value, "input", fmt)

    def _flag_colours(self, cells: str) -> None:
        for criteria, style in (("equal to", "good"), ("not equal to", "bad")):
            self.sheet.conditional_format(
                cells, {"type": "cell", "criteria": criteria, "value": 0, "format": self.style(style)}
            )

    # -- sheets -------------------------------------------------------------------------------------------------
    def cover(self) -> None:
        self._columns(3, 30, 20, 16, 44)
        self.sheet.set_row(0, 34)
        self.text("B1", self.layout.title, "title")
        self.text("B2", self.layout.about, "about")
        rows = [("Purpose", "purpose"), ("Owner", "owner")]
        for row, (label, key) in enumerate(rows, 4):
            self.text(f"B{row}", label)
            self.sheet.merge_range(f"C{row}:E{row}", self.texts.get(key, ""), self.style("input_text"))
        self.text("B6", "Figures as of")
        self.sheet.merge_range("C6:E6", self.layout.as_of, self.style("label"))
        self.text("B7", "Live case")
        self.formula("C7", f"{INPUTS}!D{SELECTOR_ROW}", self.model.selected, "link")
        self.text("B9", "Results of the live case", "section")
        for column in "CDE":
            self.text(f"{column}9", "", "section")
        row = 10
        for key in self.layout.headline:
            line = self.model.line(key)
            self.sheet.set_row(row - 1, 24)
            self.text(f"B{row}", line.label, "headline_label")
            self.formula(f"C{row}", f"{CALCULATION}!D{line.row}", line.values[LIVE], "headline", line.format)
            self.text(f"D{row}", line.unit, "headline_unit")
            row += 1
        row += 1
        self.sheet.set_row(row - 1, 24)
        self.text(f"B{row}", "Checks", "headline_label")
        self.sheet.merge_range(f"C{row}:E{row}", "", self.style("master"))
        failed = self._failed()
        self.formula(f"C{row}", f"{CHECKS}!C3", _master_text(failed), "master")
        self.sheet.conditional_format(
            f"C{row}", {"type": "text", "criteria": "begins with", "value": "All", "format": self.style("good")}
        )
        self.sheet.conditional_format(
            f"C{row}", {"type": "text", "criteria": "not containing", "value": "All", "format": self.style("bad")}
        )
        row = self._legend(row + 2)
        row = self._contents(row + 1)
        versions = [
            ("Template", f"{self.layout.name} {self.layout.version}, {self.flavour} flavour"),
            ("Built by", f"xl-econ {__version__}"),
        ]
        for n, (label, what) in enumerate(versions, row + 1):
            self.text(f"B{n}", label)
            self.sheet.merge_range(f"C{n}:E{n}", what, self.style("label"))

    def _legend(self, row: int) -> int:
        self.text(f"B{row}", "Colours", "section")
        for column in "CDE":
            self.text(f"{column}{row}", "", "section")
        for style, what in (
            ("input", "Input: type over it"),
            ("calculation", "Calculation: leave it"),
            ("link", "Link to another sheet"),
            ("constant", "Constant of a definition"),
        ):
            row += 1
            self.number(f"B{row}", 1234.5, style, "#,##0.0")
            self.text(f"C{row}", what)
        return row + 1

    def _contents(self, row: int) -> int:
        self.text(f"B{row}", "Sheets", "section")
        for column in "CDE":
            self.text(f"{column}{row}", "", "section")
        about = _SHEETS | {t.sheet: t.about for t in self.layout.tables}
        for name in self.sheets[1:]:
            row += 1
            self.sheet.write_url(f"B{row}", f"internal:'{name}'!A1", self.style("contents"), name)
            self.text(f"C{row}", about[name])
            for column in "DE":
                self.text(f"{column}{row}", "")
        return row + 1

    def inputs(self) -> None:
        self._columns(3, 34, 13, 16, 16, 16, 16, 12, 12, 8, 46, 11, 7, 44, 18)
        headings = ["", "Input", "Unit", LIVE, *CASES, "Lowest", "Highest", "Bounds", "Source", "As of", "Grade"]
        head = [*headings, "Note", "Key"]
        self._head("Inputs", "Type over the blue cells of each case. Live is the case chosen here.", head, 8, (3, 4, 5, 6, 7, 8))
        self.text(f"B{SELECTOR_ROW}", "Live case", "bold")
        self.sheet.write_string(f"D{SELECTOR_ROW}", self.model.selected, self.style("input"))
        self.sheet.data_validation(
            f"D{SELECTOR_ROW}",
            {"validate": "list", "source": list(CASES), "input_title": "Live case", "input_message": "Base, Low or High"},
        )
        self.text(f"B{_CASE_NUMBER_ROW}", "Number of the case")
        number = float(CASES.index(self.model.selected) + 1)
        self.formula(f"D{_CASE_NUMBER_ROW}", f"MATCH(D{SELECTOR_ROW},E8:G8,0)", number, "calculation", "0")
        for item in self.model.inputs:
            if isinstance(item, Heading):
                self.text(f"B{item.row}", item.title, "section")
            else:
                self._input(item)
        first = self.model.inputs[0].row
        self._flag_colours(f"J{first}:J{self.model.end_of_inputs - 1}")
        self._constants()
        self.sheet.freeze_panes(8, 2)

    def _input(self, item: InputRow) -> None:
        i, row, q = item.input, item.row, item.input.kind
        self.text(f"B{row}", i.label)
        self.text(f"C{row}", "" if q.is_text else q.unit, "unit")
        live = f"CHOOSE($D${_CASE_NUMBER_ROW},E{row},F{row},G{row})"
        self.formula(f"D{row}", live, item.values[LIVE], "calculation", q.format)
        for case in CASES:
            cell = f"{COLUMNS[case]}{row}"
            self.value(cell, item.values[case], q.format)
            self._validate(cell, i.label, q)
        if not q.is_text:
            self.number(f"H{row}", q.low, "limit", "General")
            self.number(f"I{row}", q.high, "limit", "General")
            low = ">" if q.positive else ">="
            tests = [f"MIN(E{row}:G{row}){low}H{row}"] if math.isfinite(q.low) else []
            tests += [f"MAX(E{row}:G{row})<=I{row}"] if math.isfinite(q.high) else []
            count = f"COUNT(E{row}:G{row})={len(CASES)}"
            self.formula(f"J{row}", f"IF(AND({','.join([count, *tests])}),0,1)", 0, "flag", FLAG_FORMAT)
        for column, what in zip("KLMNO", (i.source, i.as_of, i.grade, i.note, i.key), strict=True):
            self.text(f"{column}{row}", what, "note" if column in "KN" else "label")

    def _validate(self, cell: str, label: str, q: Any) -> None:
        """Excel's own check of an input, with the range in words."""
        if q.is_text:
            if q.choices:
                self.sheet.data_validation(cell, {"validate": "list", "source": list(q.choices)})
            return
        high = q.high if math.isfinite(q.high) else 1e300
        self.sheet.data_validation(
            cell,
            {
                "validate": "decimal",
                "criteria": "between",
                "minimum": q.low if math.isfinite(q.low) else -1e300,
                "maximum": high,
                "input_title": label[:32],
                "input_message": f"{q.unit}: {q.range}",
                "error_title": "Not a value for this input",
                "error_message": f"{label} is in {q.unit}, {q.range}."[:255],
            },
        )

    def _key_lists(self, sheet: Any) -> None:
        """Inputs that name a row of a table choose from the table's keys."""
        at = {t.name: t.sheet for t in self.layout.tables}
        for item in self.model.inputs:
            if isinstance(item, InputRow) and item.input.table:
                name = at[item.input.table]
                first, last = self.table_bodies[name]
                source = f"='{name}'!$A${first}:$A${last}"
                sheet.data_validation(f"E{item.row}:G{item.row}", {"validate": "list", "source": source})

    def _constants(self) -> None:
        row = self.model.constants[0].row - 1
        self.text(f"B{row}", "Constants of the definitions", "section")
        for c in self.model.constants:
            self.text(f"B{c.row}", c.constant.name)
            self.text(f"C{c.row}", c.constant.unit, "unit")
            self.number(f"D{c.row}", float(c.constant), "constant", "#,##0")

    def calculation(self) -> None:
        self._columns(3, 38, 14, 18, 18, 18, 18, 62, 46)
        head = ["", "Step", "Unit", LIVE, *CASES, "Formula in words", "Note"]
        self._head("Calculation", "One step a row, from the definitions of xl-econ. Nothing to type here.", head, 4, (3, 4, 5, 6))
        for item in self.model.lines:
            if isinstance(item, Heading):
                self.text(f"B{item.row}", item.title, "section")
                continue
            bold = bool(item.metric)
            self.text(f"B{item.row}", item.label, "bold" if bold else "label")
            self.text(f"C{item.row}", item.unit, "unit")
            for case, column in COLUMNS.items():
                style = "result" if bold else "calculation"
                self.formula(f"{column}{item.row}", item.formulas[case], item.values[case], style, item.format)
            self.text(f"H{item.row}", f"{item.key} = {item.text}", "formula_text")
            self.text(f"I{item.row}", item.note, "note")
        self.sheet.freeze_panes(4, 3)

    def results(self) -> None:
        self._columns(3, 38, 12, 18, 18, 18, 18, 40)
        head = ["", "Result", "Unit", LIVE, *CASES, "Note"]
        self._head("Results", f"{self.layout.title}: the live case beside all three.", head, 4, (3, 4, 5, 6))
        self._result_rows = {}
        row = 5
        for r in self.layout.results:
            self._result_rows[r.key] = row
            self.text(f"B{row}", r.label)
            self.text(f"C{row}", "" if (unit := self.model.unit(r.key)) == "ratio" else unit, "unit")
            for case, column in COLUMNS.items():
                ref = self.model.refs(case, RESULTS)[r.key]
                style = "link_bold" if case == LIVE else "link"
                self.formula(f"{column}{row}", ref, self.model.value(r.key, case), style, self._format(r.key))
            self.text(f"H{row}", r.note, "note")
            row += 1
        for n, chart in enumerate(self.layout.charts):
            self._chart(chart, row + 1, n)

    def _format(self, key: str) -> str:
        for item in self.model.lines:
            if not isinstance(item, Heading) and item.key == key:
                return item.format
        return self.layout.by_key[key].kind.format

    def _chart(self, spec: Any, row: int, number: int) -> None:
        chart = self.workbook.add_chart({"type": spec.type, "subtype": "stacked"} if spec.stacked else {"type": spec.type})
        for n, key in enumerate(spec.series):
            at = self._result_rows[key] - 1
            chart.add_series(
                {
                    "name": [RESULTS, at, 1],
                    "categories": [RESULTS, 3, 4, 3, 6],
                    "values": [RESULTS, at, 4, at, 6],
                    "fill": {"color": _SERIES[n % len(_SERIES)]},
                    "gap": 60,
                    "data_labels": {"value": True, "num_format": spec.format, "font": {"size": 8}} if not spec.stacked else {},
                }
            )
        chart.set_title({"name": spec.title, "name_font": {"size": 12, "color": "#1F3864"}, "overlay": False})
        chart.set_y_axis({"name": spec.axis, "num_format": spec.format, "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
        chart.set_legend({"position": "bottom"})
        chart.set_size({"width": 560, "height": 330})
        self.sheet.insert_chart(row, 1 + 3 * number, chart, {"x_offset": 4 + 180 * number, "y_offset": 4})

    def checks(self) -> None:
        self._columns(3, 46, 14, 16, 16, 16, 10, 60)
        head = ["", "Check", "Unit", "Value", "At least", "At most", "Flag", "Note"]
        self._head("Checks", "A figure outside its bounds raises a flag; the master check counts the flags.", head, 5, (3, 4, 5))
        rows = self._check_rows()
        counted = [r for r in rows if r.severity == "check"]
        first, last = 6, 5 + len(counted)
        failed = self._failed()
        self.text("B3", "Master check", "bold")
        text = f'IF(SUM(G{first}:G{last})=0,"All checks pass",SUM(G{first}:G{last})&" of "&ROWS(G{first}:G{last})&" checks fail")'
        self.sheet.merge_range("C3:F3", "", self.style("master"))
        self.formula("C3", text, _master_text(failed, len(counted)), "master")
        for n, check in enumerate(counted, first):
            self._check(check, n)
        row = last + 2
        self.text(f"B{row}", "For information: findings in the seed's tables, outside the master check", "section")
        for n, check in enumerate((r for r in rows if r.severity == "info"), row + 1):
            self._check(check, n)
        self._flag_colours(f"G{first}:G{last}")

    def _check_rows(self) -> list[Any]:
        """The layout's checks, behind the ones that every template has."""
        return [*_structural(self.model, self.flavour, self.functions), *self.model.checks]

    def _failed(self) -> int:
        return sum(c.flag for c in self._check_rows() if c.severity == "check")

    def _check(self, check: Any, row: int) -> None:
        self.text(f"B{row}", check.label)
        self.text(f"C{row}", check.unit, "unit")
        link = check.formula.count("!") == 1 and not set(check.formula) & set("+*/(")
        self.formula(f"D{row}", check.formula, check.value, "link" if link else "calculation", check.format)
        self.number(f"E{row}", check.low, "limit", check.format)
        self.number(f"F{row}", check.high, "limit", check.format)
        self.formula(f"G{row}", f"IF(AND(D{row}>=E{row},D{row}<=F{row}),0,1)", check.flag, "flag", FLAG_FORMAT)
        self.text(f"H{row}", check.note, "note")

    def sources(self) -> None:
        self._columns(3, 34, 74, 12, 8)
        self._head("Sources", "Where the figures come from, as of when, and how far to trust them.", ["", "Figure", "Source", "As of", "Grade"], 4)
        row = 5
        for group in self.layout.inputs:
            for i in group.inputs:
                for column, what in zip("BCDE", (i.label, i.source, i.as_of, i.grade), strict=True):
                    self.text(f"{column}{row}", what, "note" if column == "C" else "label")
                row += 1
        for sheet in self.layout.tables:
            rows = list(tables.rows_of(sheet))
            dates = sorted(r.as_of for r in rows)
            grades = ", ".join(sorted({r.grade for r in rows}))
            what = (f"Sheet {sheet.sheet}", f"{len(rows)} rows, each with its own source", f"{dates[0]} to {dates[-1]}", grades)
            for column, text in zip("BCDE", what, strict=True):
                self.text(f"{column}{row}", text)
            row += 1
        row += 1
        self.text(f"B{row}", "Method", "section")
        for n, source in enumerate(self.layout.sources, row + 1):
            self.text(f"C{n}", source, "note")

    def changelog(self) -> None:
        self._columns(3, 12, 14, 90)
        self._head("Changelog", "What changed in this template. Add your own lines below.", ["", "Version", "Date", "What"], 4)
        for row, c in enumerate(self.layout.changes, 5):
            for column, what in zip("BCD", (c.version, c.date, c.what), strict=True):
                self.text(f"{column}{row}", what)
        for row in range(5 + len(self.layout.changes), 15):
            for column in "BCD":
                self.text(f"{column}{row}", "", "input_text")

    def glossary(self) -> None:
        self._columns(3, 24, 96)
        self._head("Glossary", "Words as they are used here.", ["", "Term", "Meaning"], 4)
        for row, t in enumerate(self.layout.glossary, 5):
            self.text(f"B{row}", t.term, "bold")
            self.text(f"C{row}", t.meaning, "wrap")

    def function_sheet(self) -> None:
        self._columns(3, 36, 78, 20, 20, 14, 10)
        head = ["", "Result", "Named function", "By function", "By steps", "Difference", "Flag"]
        self._head(FUNCTIONS, "The same results by the named functions (LAMBDA) in the Name Manager: Excel 365.", head, 4, (3, 4, 5))
        for row, line in enumerate(self.functions, 5):
            value = line.values[LIVE]
            self.text(f"B{row}", line.label)
            self.text(f"C{row}", f"={line.call}", "formula_text")
            style = self.style("calculation", line.format)
            self.sheet.write_dynamic_array_formula(f"D{row}", f"={line.call}", style, value)
            self.formula(f"E{row}", f"{CALCULATION}!D{line.row}", value, "link", line.format)
            self.formula(f"F{row}", f"IF(E{row}=0,D{row},D{row}/E{row}-1)", 0.0, "calculation", "0.0E+00")
            self.formula(f"G{row}", f"IF(ABS(F{row})<=1E-12,0,1)", 0, "flag", FLAG_FORMAT)
        self._flag_colours(f"G5:G{4 + len(self.functions)}")

    def _names(self) -> None:
        """Names for the live inputs and the results; in the lambda flavour also the functions."""
        for item in self.model.inputs:
            if isinstance(item, InputRow):
                self.workbook.define_name(f"inputs.{item.input.key}", f"={INPUTS}!$D${item.row}")
        for key, row in (("purpose", 4), ("owner", 5)):
            self.workbook.define_name(f"inputs.{key}", f"=Cover!$C${row}")
        self.workbook.define_name("inputs.case", f"={INPUTS}!$D${SELECTOR_ROW}")
        for key, row in self._result_rows.items():
            self.workbook.define_name(f"results.{key}", f"={RESULTS}!$D${row}")
        if self.flavour == "lambda":
            for name in names():
                self.workbook.define_name(name.name, name.file_formula)


def _master_text(failed: int, of: int = 0) -> str:
    return f"{failed} of {of} checks fail" if failed else "All checks pass"


def _structural(model: Model, flavour: Flavour, functions: list[Any]) -> list[Any]:
    """Checks that every template has: inputs in bounds, the live case, the functions against the steps."""
    from .model import CheckRow

    first = model.inputs[0].row
    key = model.layout.headline[0]
    row = model.line(key).row
    chosen = f"CHOOSE({INPUTS}!D{_CASE_NUMBER_ROW},{CALCULATION}!E{row},{CALCULATION}!F{row},{CALCULATION}!G{row})"
    found = [
        CheckRow(
            "Inputs outside their bounds",
            f"SUM({INPUTS}!J{first}:J{model.end_of_inputs - 1})",
            0.0, "rows", 0, 0, "0", "check", "Every case; see the Bounds column of the Inputs sheet",
        ),
        CheckRow(
            "Live result less the chosen case's",
            f"{CALCULATION}!D{row}-{chosen}",
            0.0, model.unit(key), 0, 0, "0", "check", "The selector works",
        ),
    ]  # fmt: skip
    if flavour == "lambda":
        note = "Every named function gives what the steps give, to 1e-12"
        text = f"SUM({FUNCTIONS}!G5:G{4 + len(functions)})"
        found.append(CheckRow("Named functions that differ from the steps", text, 0.0, "rows", 0, 0, "0", "check", note))
    return found


_SERIES = ("#1F3864", "#2E75B6", "#9DC3E6", "#A6A6A6")
_SHEETS = {
    INPUTS: "Inputs in three cases, with units, bounds and sources",
    CALCULATION: "One step a row",
    RESULTS: "The figures to take away, with charts",
    CHECKS: "Bounds, reconciliations, published runs; one master check",
    FUNCTIONS: "The same results by named functions (Excel 365)",
    "Sources": "Where every figure comes from",
    "Changelog": "Versions of the template, and your own",
    "Glossary": "Words as they are used here",
}
