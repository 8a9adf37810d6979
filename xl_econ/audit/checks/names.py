"""Defined names that lead nowhere, to no figure, or to another cell on one sheet than on the others."""

from __future__ import annotations

from collections.abc import Iterator

from xl_econ.audit.registry import ERROR, INFO, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.audit.tokens import operands, tokens
from xl_econ.workbook.book import Cell
from xl_econ.workbook.graph import references

_NAMING = ("let(", "_xlfn.let(", "lambda(", "_xlfn.lambda(")
_PROGRAMS = "_xl"  # names that programs keep for themselves: _xlnm.Print_Area


@check(
    "name-broken",
    ERROR,
    "A name leads nowhere: its cells were deleted",
    "define the name anew, or delete it where no formula uses it",
)
def name_broken(subject: Subject) -> Iterator[Found]:
    """#REF! in a name; a formula that uses a name which is not defined. Of the name alone it is information."""
    used = _used(subject)
    for scope, name, text in _names(subject):
        if "#REF!" not in text:
            continue
        cell = _user(used, scope, name)
        if cell is None:
            yield Found(scope, "", f"the name {name} leads nowhere ({text[:60]}); no formula uses it", severity=INFO)
        else:
            yield at(cell, f"{cell.formula[:80]} uses the name {name}, which leads nowhere ({text[:60]})")


@check(
    "name-undefined",
    ERROR,
    "A formula uses a name that the workbook does not define",
    "define the name, or correct its spelling",
)
def name_undefined(subject: Subject) -> Iterator[Found]:
    """Once for each name; only where the cell shows #NAME?, because a program may bring along names of its own."""
    said: set[str] = set()
    defined = {n.casefold() for _, n, _ in _names(subject)} | set(subject.book.tables)
    for blocks in subject.copies.values():
        cell = blocks[0].first
        names = [r.name for r in subject.graph.references(cell) if r.name and not r.external]
        if not names or "#NAME?" not in (cell.shown, subject.computed(cell)) or _has_own_names(cell):
            continue
        for name in names:
            folded = name.casefold()
            if folded not in defined and folded not in said:
                said.add(folded)
                yield at(cell, f"{cell.formula[:80]} uses the name {name}, which is not defined")


@check(
    "name-shadowed",
    WARNING,
    "A sheet has a name of its own that the workbook has as well, for other cells: formulas on that sheet read other "
    "figures than those elsewhere",
    "delete the sheet's own name, or give it another",
)
def name_shadowed(subject: Subject) -> Iterator[Found]:
    """Where a formula of the sheet uses the name it is an error, because it does not read what the name means."""
    used = _used(subject)
    known = {n.casefold(): t for n, t in subject.book.names.items()}
    for scope, name, text in _names(subject):
        common = known.get(name.casefold())
        if not scope or common is None or common.replace("$", "") == text.replace("$", ""):
            continue
        said = f"{name} means {text[:60]} on this sheet, and {common[:60]} elsewhere"
        cell = used.get((scope, name.casefold()))
        yield at(cell, said, severity=ERROR) if cell is not None else Found(scope, "", said, severity=INFO)


@check(
    "name-no-figure",
    WARNING,
    "A formula computes with a name that leads to an empty cell or a text",
    "let the name lead to the figure that it means",
)
def name_no_figure(subject: Subject) -> Iterator[Found]:
    """Names of single cells, of which one beside probably is meant."""
    said: set[str] = set()
    for block in subject.blocks:
        for reference in operands(block.key):
            if not reference.name or reference.name.casefold() in said:
                continue
            places = subject.graph.places(reference, block.first)
            if len(places) != 1 or not places[0].is_cell:
                continue
            sheet, (row, _, column, _) = places[0]
            held = subject.book.cell(sheet, row, column)
            if held is None or (isinstance(held.shown, str) and not held.formula):
                said.add(reference.name.casefold())
                what = "an empty cell" if held is None or not held.shown else f"the text {held.text[:40]!r}"
                yield at(block.first, f"{reference.name} leads to {what} ({_text(subject, reference.name)})")


def _has_own_names(cell: Cell) -> bool:
    return any(t.kind == "call" and t.text.casefold() in _NAMING for t in tokens(cell.key))


def _names(subject: Subject) -> Iterator[tuple[str, str, str]]:
    """Every name: the sheet that it is of ("" the workbook), the name, what it stands for."""
    yield from (("", n, t) for n, t in subject.book.names.items() if not n.startswith(_PROGRAMS))
    for sheet in subject.book.sheets.values():
        yield from ((sheet.name, n, t) for n, t in sheet.names.items() if not n.startswith(_PROGRAMS))


def _used(subject: Subject) -> dict[tuple[str, str], Cell]:
    """The first formula of every sheet, and of all ("") of them, that uses a name, also through another name."""
    found: dict[tuple[str, str], Cell] = {}
    through = {n.casefold(): [r.name for r in references(f"={t}") if r.name] for _, n, t in _names(subject)}
    for blocks in subject.copies.values():
        cell = blocks[0].first
        names = [r.name.casefold() for r in subject.graph.references(cell) if r.name]
        for name in names + [n.casefold() for other in names for n in through.get(other, ())]:
            found.setdefault((cell.sheet, name), cell)
            found.setdefault(("", name), cell)
    return found


def _user(used: dict[tuple[str, str], Cell], scope: str, name: str) -> Cell | None:
    return used.get((scope, name.casefold()))


def _text(subject: Subject, name: str) -> str:
    return next((t for _, n, t in _names(subject) if n.casefold() == name.casefold()), "")
