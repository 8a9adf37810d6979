"""Copied formulas: a cell that differs from the copies around it, and a number typed over one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from xl_econ.audit.checks.ranges import TOTAL
from xl_econ.audit.lines import COLUMN, ROW, Line, beside, figures, is_figure, is_figures, lines, works_here
from xl_econ.audit.registry import ERROR, INFO, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.audit.tokens import Difference, Token, difference, tokens
from xl_econ.workbook.book import Cell, Sheet
from xl_econ.workbook.graph import Place, Reference
from xl_econ.workbook.relative import placed

_MANY = 4  # copies in a row beside which even quite another formula is an error
_LIST = 8  # copies down a column that make it a list, whose first row is no opening
_DESIGN = 3  # exceptions in one column (or row) that make it a column of its own kind
_TOTALS = ("SUM(", "SUBTOTAL(", "AVERAGE(", "MIN(", "MAX(", "COUNT(", "PRODUCT(", "AGGREGATE(")


@check(
    "formula-break",
    ERROR,
    "A cell of a copied row or column has another formula than the cells beside it",
    "copy the formula of its neighbours over it, or give the exception a row or column of its own",
)
def formula_break(subject: Subject) -> Iterator[Found]:
    """Compared in R1C1 terms, so that a copy is a copy wherever it stands.

    A total, an opening, a cell that goes with its neighbours in the other direction, and one where the usual formula
    would find nothing to read are no exceptions.
    """
    found: dict[tuple[str, int, int], list[Line]] = {}
    for block in subject.blocks:
        if block.count == 1 and not block.first.spilled:
            for line in lines(block.sheet, block.first, subject.spans.get(block.sheet.name)):
                found.setdefault((block.first.sheet, block.first.row, block.first.column), []).append(line)
    every = [line for of_cell in found.values() for line in of_cell]
    stands = Counter(line.stand for line in every if line.between or _near(line))
    totals = {line.stand for line in every if _totals_its_line(subject, line)}
    for of_cell in found.values():
        broken = [
            (line, severity)
            for line in of_cell
            if (stands[line.stand] < _DESIGN and line.stand not in totals) and (severity := _severity(subject, line))
        ]
        if broken and not any(_is_copy_across(subject, line) for line in of_cell):
            line, severity = max(broken, key=lambda b: (b[1] == ERROR, b[0].between, b[0].count))
            yield at(line.cell, _said(line), severity=severity)


def _severity(subject: Subject, line: Line) -> str:
    """How grave it is that a cell is no copy; "" where that is as it should be."""
    cell, unlike = line.cell, _near(line)
    if cell.formula.replace("$", "") == placed(line.usual, cell.row, cell.column).replace("$", ""):
        return ""  # the same cells, fixed otherwise
    if any(c.key == cell.key for c in figures(subject.book.sheets[cell.sheet], line)):
        return ""
    if _totals_its_line(subject, line) or _opens(subject, line) or _takes_in_more(subject, line, unlike):
        return ""
    if _is_ratio_of_totals(subject, line):
        return ""
    if not works_here(subject.graph, line, _references(line.usual)):
        return ""
    if line.step == COLUMN and cell.format != line.model.format:
        return ""
    if not line.between:
        return _severity_at_end(subject, line, unlike)
    if unlike is None:
        return ERROR if line.step == ROW and line.count >= _MANY else WARNING
    if unlike.kind == "strictness":
        return INFO
    if unlike.kind == "constant" and all(t.kind == "number" for t in (*unlike.is_, *unlike.usual)):
        return WARNING
    if line.step == COLUMN and unlike.kind == "reference" and any(_is_fixed(t) for t in unlike.is_):
        return WARNING
    return ERROR


def _severity_at_end(subject: Subject, line: Line, unlike: Difference | None) -> str:
    """At the end of copies only a formula that is nearly theirs is an exception, and no opening of theirs."""
    if unlike is None or unlike.kind in ("strictness", "other") or len(tokens(line.usual)) < _DESIGN:
        return ""
    if unlike.kind == "constant" and all(t.kind == "number" for t in (*unlike.is_, *unlike.usual)):
        return WARNING if line.step == COLUMN and line.count >= _LIST else ""
    if any(_is_fixed(t) for t in (*unlike.is_, *unlike.usual)) and line.step == COLUMN:
        return ""
    if not line.before and any(_reads_back(t, line) for t in (*unlike.usual, *tokens(line.usual))):
        return ""
    # The first of a series may open it in a way of its own.
    return ERROR if line.before and _in_line_with_others(subject, line) else WARNING


@check(
    "formula-overwritten",
    ERROR,
    "A number is typed where the cells beside it have a formula: it no longer follows the inputs",
    "restore the formula; if the number is meant, make it an input with a source and let the formula choose it",
)
def formula_overwritten(subject: Subject) -> Iterator[Found]:
    """A typed number between copies of one formula, or at their end; beside other typed numbers it is data."""
    for name, cells in subject.beside_copies.items():
        sheet = subject.book.sheets[name]
        for cell in (c for c in cells if not c.spilled):
            for line in lines(sheet, cell, subject.spans.get(sheet.name)):
                severity = _severity_typed(subject, line)
                if severity:
                    where = "among" if line.between else "at the end of"
                    model = f"{line.model.formula[:80]} ({line.model.at})"
                    expected = placed(line.usual, cell.row, cell.column) or None
                    yield at(cell, f"{cell.text} typed {where} copies of {model}", expected, severity)
                    break


def _severity_typed(subject: Subject, line: Line) -> str:
    sheet = subject.book.sheets[line.cell.sheet]
    if _among_data(subject, line) or _opens(subject, line):
        return ""
    if sum(1 for c in figures(sheet, line) if not c.formula and _is_alone(sheet, line, c)) > 1:
        return ""
    references = _references(line.usual)
    moving = [r for r in references if not _is_fixed(Token("ref", r.text)) and is_figures(subject.graph, r, line.cell)]
    if not works_here(subject.graph, line, references) or (
        line.step == COLUMN and line.cell.format != line.model.format
    ):
        return ""
    if line.between:
        return WARNING if line.cell.font != line.model.font and line.cell.font not in ("black", "000000") else ERROR
    if not moving or (not line.before and any(_reads_back(t, line) for t in tokens(line.usual))):
        return ""
    return ERROR if _in_line_with_others(subject, line) else WARNING if line.step == ROW else ""


def _among_data(subject: Subject, line: Line) -> bool:
    """Whether a typed number beside it, across the line, stands in for a formula as well: a column of actuals."""
    sheet = subject.book.sheets[line.cell.sheet]
    for way in (-1, 1):
        other = beside(sheet, line.cell, line.across, way)
        if other is None or other.formula or not other.is_number:
            continue
        along = [beside(sheet, other, line.step, n) for n in (-1, 1)]
        if any(c is not None and c.formula for c in along) or not any(is_figure(c) for c in along):
            return True
    return False


def _is_alone(sheet: Sheet, line: Line, cell: Cell) -> bool:
    """Whether a typed number of a line stands between formulas."""
    along = [beside(sheet, cell, line.step, n) for n in (-1, 1)]
    return all(c is not None and c.formula for c in along)


def _near(line: Line) -> Difference | None:
    return difference(line.cell.key, line.usual)


def _references(key: str) -> tuple[Reference, ...]:
    return tuple(r for t in tokens(key) if (r := t.reference) is not None)


def _is_fixed(token: Token) -> bool:
    """Whether a token names the same cells in every copy: absolute ones, a name, a Table."""
    reference = token.reference
    if reference is None:
        return False
    if reference.corners is None:
        return "@" not in reference.inside and "this row" not in reference.inside.casefold()
    return all(axis.fixed for axis in reference.corners)


def _reads_back(token: Token, line: Line) -> bool:
    """Whether a token reads the copy before: what carries a balance on has to open in another way."""
    reference = token.reference
    if reference is None or reference.corners is None:
        return False
    axis = reference.corners[2 if line.step == ROW else 0]
    return not axis.fixed and axis.number < 0 and not reference.sheet


def _is_copy_across(subject: Subject, line: Line) -> bool:
    """Whether a cell is a copy of its neighbour in the other direction."""
    sheet = subject.book.sheets[line.cell.sheet]
    return any(
        other is not None and other.key == line.cell.key
        for other in (beside(sheet, line.cell, line.across, way) for way in (-1, 1))
    )


def _opens(subject: Subject, line: Line) -> bool:
    """Whether a cell opens a series in the other direction, which reads it and has a formula of its own."""
    sheet = subject.book.sheets[line.cell.sheet]
    one, two = (beside(sheet, line.cell, line.across, n) for n in (1, 2))
    if one is None or two is None or not one.formula or one.key != two.key or one.key == line.usual:
        return False
    here = Place(line.cell.sheet, (line.cell.row, line.cell.row, line.cell.column, line.cell.column))
    return here in subject.graph.precedents(one)


def _totals_its_line(subject: Subject, line: Line) -> bool:
    """Whether a cell totals, or picks out, cells of the line that it stands in."""
    cell = line.cell
    places = subject.graph.precedents(cell)
    first, last = (0, 1) if line.step == ROW else (2, 3)
    here = cell.row if line.step == ROW else cell.column
    along = places and all(p.sheet == cell.sheet and p.area[first] == here == p.area[last] for p in places)
    found = tokens(cell.key)
    return bool(along) and (found[0].text.upper() in _TOTALS or _adds_up(found))


def _is_ratio_of_totals(subject: Subject, line: Line) -> bool:
    """Whether a cell in a row of totals divides them by each other: shares and unit costs are not added up."""
    cell = line.cell
    if line.step != ROW or not TOTAL.match(line.usual) or not any(t.text == "/" for t in tokens(cell.key)):
        return False
    places = subject.graph.precedents(cell)
    return len(places) > 1 and all(p.is_cell and p.sheet == cell.sheet and p.area[0] == cell.row for p in places)


def _adds_up(found: tuple[Token, ...]) -> bool:
    return len(found) > 1 and all(t.kind == "ref" or t.text == "+" for t in found)


def _takes_in_more(subject: Subject, line: Line, unlike: Difference | None) -> bool:
    """Whether a longer range takes in figures that the copies have nothing in place of, such as an opening."""
    if unlike is None or unlike.kind != "reference" or len(unlike.is_) != 1:
        return False
    one, two = unlike.is_[0].reference, unlike.usual[0].reference
    if one is None or two is None:
        return False

    def held(reference: Reference, cell: Cell) -> set[tuple[int, int]]:
        return {
            (c.row - cell.row, c.column - cell.column)
            for p in subject.graph.places(reference, cell)
            for c in subject.graph.cells(p)
            if is_figure(c)
        }

    more = held(one, line.cell) - held(two, line.cell)
    return bool(more) and held(two, line.cell) < held(one, line.cell) and not more & held(one, line.model)


def _in_line_with_others(subject: Subject, line: Line) -> bool:
    """Whether the lines beside this one go on to where its exception stands."""
    sheet = subject.book.sheets[line.cell.sheet]
    inwards = -1 if line.before else 1
    for way in (-1, 1):
        other = beside(sheet, line.cell, line.across, way)
        inner = other and beside(sheet, other, line.step, inwards)
        if other and inner and other.formula and other.key == inner.key:
            return True
    return False


def _said(line: Line) -> str:
    cell, unlike = line.cell, _near(line)
    where = "among" if line.between else "at the end of"
    copies = f"{where} copies of {line.model.formula[:80]} ({line.model.at})"
    if unlike is None:
        return f"{cell.formula[:80]} {copies}"
    is_, usual = (", ".join(_text(t, cell) for t in ts) for ts in (unlike.is_, unlike.usual))
    words = {"added": f"has {is_} besides", "missing": f"lacks {usual}"}
    return f"{cell.formula[:80]} {words.get(unlike.kind, f'has {is_} for {usual}')}, {copies}"


def _text(token: Token, cell: Cell) -> str:
    """A token as the cell would write it."""
    if token.kind != "ref":
        return token.text
    return placed(f"={token.text}", cell.row, cell.column).removeprefix("=") or token.text
