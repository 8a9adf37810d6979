"""Rules about formulas: no figure hidden in one, nothing volatile, nothing from elsewhere, every name known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from xl_econ.workbook.book import Book, Sheet

from . import formula
from .rules import ERROR, WARNING, Found, here, rule, short

VOLATILE = {"OFFSET", "INDIRECT", "NOW", "TODAY", "RAND", "RANDBETWEEN", "RANDARRAY", "CELL", "INFO"}
# Functions of Excel that the list of openpyxl does not have.
_NEWER = frozenset(
    """
    ACOT ACOTH AGGREGATE ANCHORARRAY ARABIC ARRAYTOTEXT AVERAGEIF AVERAGEIFS BASE BINOM.DIST BYCOL BYROW
    CEILING.MATH CHISQ.TEST CHOOSECOLS CHOOSEROWS COMBINA CONCAT CONFIDENCE.NORM COT COTH COUNTIFS COVARIANCE.P
    COVARIANCE.S CSC CSCH DAYS DECIMAL DROP ERF.PRECISE EXPAND EXPON.DIST FILTER FILTERXML FLOOR.MATH FORECAST.ETS
    FORECAST.LINEAR FORMULATEXT GAMMA GAUSS GROUPBY HSTACK IFERROR IFNA IFS IMAGE ISFORMULA ISOMITTED ISOWEEKNUM
    LAMBDA LET MAKEARRAY MAP MAXIFS MINIFS MODE.MULT MODE.SNGL NETWORKDAYS.INTL NORM.DIST NORM.INV NORM.S.DIST
    NORM.S.INV NUMBERVALUE PDURATION PERCENTILE.EXC PERCENTILE.INC PERCENTOF PERCENTRANK.EXC PERCENTRANK.INC PHI
    PIVOTBY POISSON.DIST QUARTILE.EXC QUARTILE.INC RANDARRAY RANK.AVG RANK.EQ REDUCE RRI SCAN SEC SECH SEQUENCE
    SHEET SHEETS SINGLE SORT SORTBY STDEV.P STDEV.S SUMIFS SWITCH TAKE TEXTAFTER TEXTBEFORE TEXTJOIN TEXTSPLIT TOCOL
    TOROW TRIMRANGE UNICHAR UNICODE UNIQUE VALUETOTEXT VAR.P VAR.S VSTACK WEIBULL.DIST WORKDAY.INTL WRAPCOLS
    WRAPROWS XIRR XLOOKUP XMATCH XNPV XOR
    """.split()  # noqa: SIM905
)
_TABLE = re.compile(r"([^\[\]!']+)\[(.*)\]", re.DOTALL)
_COLUMN = re.compile(r"\[([^\[\]]+)\]")


@cache
def _functions() -> frozenset[str]:
    from openpyxl.utils import FORMULAE

    return FORMULAE | _NEWER


@rule(
    "constant-in-formula",
    ERROR,
    "A figure is typed into a formula, where no reader sees it and no source stands beside it",
    "put it into an input with a unit and a source, and refer to that",
)
def constant_in_formula(book: Book) -> Iterator[Found]:
    """All numbers but 0, 1, 2, exponents, digits, positions, options, counts of cells and numerical guards."""
    for _, cell in book.formulas():
        if found := formula.parts(cell.formula).numbers:
            yield here(cell, f"{', '.join(dict.fromkeys(found))} in {short(cell.formula)}")


@rule(
    "volatile-function",
    ERROR,
    "A function recalculates at every change, or hides what a cell depends on",
    "use INDEX for OFFSET and INDIRECT, and an input for a date or a random figure",
)
def volatile_function(book: Book) -> Iterator[Found]:
    """OFFSET, INDIRECT, NOW, TODAY and their kind."""
    for _, cell in book.formulas():
        for name in dict.fromkeys(map(formula.bare, formula.parts(cell.formula).functions)):
            if name in VOLATILE:
                yield here(cell, f"{name} in {short(cell.formula)}")


@rule(
    "external-link",
    ERROR,
    "A figure comes from another workbook, which may move or change",
    "bring the figure in as an input with its source",
)
def external_link(book: Book) -> Iterator[Found]:
    """Links to other workbooks, in cells and names."""
    seen = False
    for _, cell in book.formulas():
        for ref in dict.fromkeys(formula.parts(cell.formula).ranges):
            if formula.is_external(ref):
                seen = True
                yield here(cell, f"link to another workbook: {short(ref)}")
    for name, text in book.names.items():
        if "LAMBDA(" not in text and any(map(formula.is_external, formula.parts(f"={text}").ranges)):
            seen = True
            yield "", name, f"the name {name} links to another workbook: {short(text)}"
    if book.settings.links and not seen:
        yield "", "", f"the file keeps {len(book.settings.links)} link(s) to other workbooks that no cell uses"


@rule(
    "whole-column",
    WARNING,
    "A reference takes whole columns or rows, and whatever somebody may put there",
    "refer to the cells, or to a column of a Table",
)
def whole_column(book: Book) -> Iterator[Found]:
    """A:A and 3:3."""
    for _, cell in book.formulas():
        for ref in dict.fromkeys(formula.parts(cell.formula).ranges):
            if formula.WHOLE.fullmatch(formula.split(ref)[1]):
                yield here(cell, f"whole columns or rows: {ref}")


@rule(
    "unknown-name",
    ERROR,
    "A formula names something that the workbook does not hold, or has lost a reference",
    "define the name, correct it, or restore what was deleted",
)
def unknown_name(book: Book) -> Iterator[Found]:
    """Names, sheets, tables with their columns, functions."""
    known = _Known(book)
    for sheet, cell in book.formulas():
        found = formula.parts(cell.formula)
        if found.broken:
            yield here(cell, f"formula that cannot be read: {short(cell.formula)}")
            continue
        missing = [*found.errors, *known.missing(sheet, found)]
        missing = [x for x in missing if x != "#N/A"]
        if missing:
            yield here(cell, f"unknown: {', '.join(dict.fromkeys(missing))} in {short(cell.formula)}")
    for name, text in book.names.items():
        if "#REF!" in text:
            yield "", name, f"the name {name} has lost its reference: {short(text)}"


class _Known:
    """What a formula can name."""

    def __init__(self, book: Book) -> None:
        self.names = {n.casefold() for n in book.names}
        self.sheets = {n.casefold(): s for n, s in book.sheets.items()}
        self.tables = book.tables

    def missing(self, sheet: Sheet, found: formula.Parts) -> Iterator[str]:
        local = self.names | {n.casefold() for n in sheet.names}
        for function in found.functions:
            name = formula.bare(function)
            if name not in _functions() and name.casefold() not in local and not formula.PARAMETER.match(function):
                yield f"{name}()"
        for ref in found.ranges:
            if not (formula.is_external(ref) or self._resolves(ref, local)):
                yield ref

    def _resolves(self, ref: str, local: set[str]) -> bool:
        where, rest = formula.split(ref)
        at = self.sheets.get(where.casefold()) if where else None
        ends = where.split(":")  # of a reference through several sheets
        if where and at is None and not all(e.casefold() in self.sheets for e in ends):
            return False
        if formula.AREA.fullmatch(rest) or formula.WHOLE.fullmatch(rest) or formula.PARAMETER.match(rest):
            return True
        if m := _TABLE.fullmatch(rest):
            return self._table(m[1], m[2])
        names = local | ({n.casefold() for n in at.names} if at else set())
        return rest.casefold() in names or rest.casefold() in self.tables

    def _table(self, name: str, inside: str) -> bool:
        table = self.tables.get(name.casefold())
        if table is None:
            return False
        columns = _COLUMN.findall(inside) or [inside]
        known = {c.casefold() for c in table.columns}
        return all(c.startswith("#") or c in ("", "@") or c.lstrip("@").casefold() in known for c in columns)
