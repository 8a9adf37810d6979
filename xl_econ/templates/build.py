"""Builds the workbook of a model with XlsxWriter; every formula is stored with the value that the core gave it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from xl_econ.core.errors import WorkbookError
from xl_econ.hosts.names import names
from xl_econ.metrics import REGISTRY
from xl_econ.workbook.cell import number as cell_number
from xl_econ.workbook.write import replacing

from . import comparison, drivers_sheet, front, pristine, sensitivity_sheet, sheets, stamp, tables, timeline
from .layout import CASES
from .model import Model
from .parts import (
    CALCULATION,
    CHECKS,
    COMPARISON,
    DRIVERS,
    FUNCTIONS,
    HEADING_ROW,
    INPUTS,
    LIVE,
    RESULTS,
    SELECTOR_ROW,
    SENSITIVITY,
    TIMELINE,
    CheckRow,
    InputRow,
    Line,
)
from .styles import Styles

Flavour = Literal["plain", "lambda"]
FLAVOURS: tuple[Flavour, ...] = ("plain", "lambda")


def build(
    model: Model,
    path: Path,
    flavour: Flavour = "plain",
    texts: Mapping[str, str] | None = None,
    force: bool = False,
) -> None:
    """Write the workbook of a model.

    Args:
        model: The template with its values.
        path: Where to; replaced only when the new file is whole.
        flavour: "plain" for Excel 2016 and later, LibreOffice and the web; "lambda" adds the named functions.
        texts: Texts of the cover: purpose and owner.
        force: Replace a workbook that somebody has edited.

    Raises:
        WorkbookError: The file cannot be written.
    """
    with replacing(path, force) as beside, tempfile.TemporaryDirectory() as folder:
        built = Path(folder, "built.xlsx")
        with writing(built) as workbook:
            _write(workbook, model, flavour, texts or {})
        pristine.embed(built, beside, model)


@contextmanager
def writing(path: Path, force: bool = False) -> Iterator[Any]:
    """A new workbook to fill; it takes its place when the block ends well.

    Raises:
        WorkbookError: The file cannot be written.
    """
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with replacing(path, force) as beside:
        try:
            with xlsxwriter.Workbook(str(beside), options) as workbook:
                workbook.worksheet_class = _Worksheet
                yield workbook
        except xlsxwriter.exceptions.XlsxFileError as e:
            raise WorkbookError(f"{path}: cannot be written: {e}") from None


class _Worksheet(Worksheet):  # type: ignore[misc]
    """A worksheet whose numbers have every digit; XlsxWriter's 16 do not tell all numbers apart."""

    def _xml_number_element(self, number: float, attributes: Sequence[tuple[str, Any]] = ()) -> None:
        written = "".join(f' {key}="{value}"' for key, value in attributes)
        self.fh.write(f"<c{written}><v>{cell_number(number)}</v></c>")


def _write(workbook: Any, model: Model, flavour: Flavour, texts: Mapping[str, str]) -> None:
    layout = model.layout
    stamped = stamp.of_model(model, flavour, texts)
    workbook.set_properties(
        {
            "title": layout.title,
            "subject": layout.about,
            "comments": stamped.comment,
            "created": datetime.fromisoformat(layout.as_of),  # not now: the same input gives the same bytes
        }
    )
    order = ["Cover", INPUTS, CALCULATION, *([TIMELINE] if layout.timeline else []), RESULTS]
    order += [COMPARISON] if model.cases != CASES else []
    order += [*([SENSITIVITY] if layout.sensitivity else []), *([DRIVERS] if layout.drivers else [])]
    order += [CHECKS, *(t.sheet for t in layout.tables)]
    order += [*([FUNCTIONS] if flavour == "lambda" else []), "Sources", "Changelog", "Glossary"]
    ws = {name: workbook.add_worksheet(name) for name in order}
    style = Styles(workbook)
    called = [x for x in model.lines if isinstance(x, Line) and x.metric]
    master = master_text(model)
    named = front.cover(ws["Cover"], style, model, master, order, texts, stamped)
    sheets.inputs(ws[INPUTS], style, model)
    sheets.calculation(ws[CALCULATION], style, model)
    if layout.timeline:
        timeline.write(ws[TIMELINE], style, model, workbook)
    at = sheets.results(ws[RESULTS], style, model, workbook)
    if layout.sensitivity:
        sensitivity_sheet.write(ws[SENSITIVITY], style, model, workbook)
    if layout.drivers:
        drivers_sheet.write(ws[DRIVERS], style, model, workbook)
    rows = [*_structural(model, flavour, called), *model.checks]
    sheets.checks(ws[CHECKS], style, rows, master, model.columns)
    if COMPARISON in ws:
        comparison.write(ws[COMPARISON], style, model, at, [r for r in rows if r.severity == "check"])
    bodies = {t.sheet: tables.of(ws[t.sheet], style, t, model) for t in layout.tables}
    sheets.key_lists(ws[INPUTS], model, bodies)
    if flavour == "lambda":
        sheets.functions(ws[FUNCTIONS], style, called)
    front.sources(ws["Sources"], style, model)
    front.changelog(ws["Changelog"], style, model)
    front.glossary(ws["Glossary"], style, model)
    _define_names(workbook, model, at, flavour, named)
    ws["Cover"].activate()


def master_text(model: Model) -> str:
    """What the master check says; the structural checks never fail in a workbook that is built from a model."""
    failed = sum(c.flag for c in model.checks if c.severity == "check")
    return f"Checks failed: {failed}" if failed else "All checks pass"


def _structural(model: Model, flavour: Flavour, called: list[Line]) -> list[CheckRow]:
    """Checks that every template has: inputs in bounds, the live case, the functions against the steps."""

    def zero(label: str, formula: str, unit: str, note: str) -> CheckRow:
        return CheckRow(label, {LIVE: formula}, {LIVE: 0.0}, unit, 0, 0, "0", "check", note)

    key = model.layout.headline[0]
    row = model.line(key).row
    picked = model.columns.chosen(f"{INPUTS}!D{sheets.CASE_NUMBER_ROW}", row, f"{CALCULATION}!")
    chosen = f"{CALCULATION}!D{row}-{picked}"
    flag = model.columns.beyond(2)
    bounds = f"SUM({INPUTS}!{flag}{model.inputs[0].row}:{flag}{model.end_of_inputs - 1})"
    found = [
        zero("Inputs outside their bounds", bounds, "rows", "Every case; see the Bounds column of the Inputs sheet"),
        zero("Live result less the chosen case's", chosen, model.units[key], "The selector works"),
    ]
    if flavour == "lambda":
        flags = f"SUM({FUNCTIONS}!G5:G{4 + len(called)})"
        note = "Every named function gives what the steps give, to 1e-12"
        found.append(zero("Named functions that differ from the steps", flags, "rows", note))
    return found


def _define_names(
    workbook: Any, model: Model, results: Mapping[str, int], flavour: Flavour, cover: Mapping[str, str]
) -> None:
    """Names for inputs, results and what finds them in an edited workbook; in the lambda flavour also the functions.

    An input's cells stand where the row of its name meets the columns that `inputs.Base`, `inputs.source` and so on
    name: six names instead of six an input, and they move with inserted rows and columns.
    """
    named = {f"inputs.{i.input.key}": f"{INPUTS}!$D${i.row}" for i in model.inputs if isinstance(i, InputRow)}
    named |= {
        f"inputs.{what}": f"{INPUTS}!${column}${HEADING_ROW}" for what, column in sheets.named(model.columns).items()
    }
    named |= {f"results.{key}": f"{RESULTS}!$D${row}" for key, row in results.items()}
    named |= {"inputs.case": f"{INPUTS}!$D${SELECTOR_ROW}", "xl_econ.checks": f"{CHECKS}!$C$3", **cover}
    for name, cell in named.items():
        workbook.define_name(name, f"={cell}")
    if flavour == "lambda":
        # A name that reads a table which the workbook does not hold would be no formula at all to Excel.
        held = {t.name for t in model.layout.tables}
        for function in names(m for m in REGISTRY.values() if {t.name for t in m.tables} <= held):
            workbook.define_name(function.name, function.file_formula)
