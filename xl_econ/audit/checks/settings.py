"""How the workbook computes, and what it brings along or draws on from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xl_econ.audit.registry import ERROR, INFO, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.lint import formula
from xl_econ.lint.formulas import VOLATILE

_MAY_BE_VOLATILE = re.compile("|".join(VOLATILE))


@check(
    "manual-calculation",
    WARNING,
    "The workbook computes only on demand: what it shows may be old",
    "set calculation to automatic",
)
def manual_calculation(subject: Subject) -> Iterator[Found]:
    """Calculation mode manual."""
    if subject.book.settings.mode == "manual":
        yield Found("", "", "calculation is manual")


@check(
    "precision-as-displayed",
    ERROR,
    "Every number is rounded to what its format shows, so changing a format changes results",
    "switch it off, and round where rounding is meant",
)
def precision_as_displayed(subject: Subject) -> Iterator[Found]:
    """The setting "set precision as displayed"."""
    if subject.book.settings.as_displayed:
        yield Found("", "", "precision as displayed is on")


@check(
    "dates-from-1904",
    INFO,
    "Dates count from 1904: copied into another workbook they move by four years",
    "say so where dates are handed on",
)
def dates_from_1904(subject: Subject) -> Iterator[Found]:
    """The 1904 date system."""
    if subject.book.settings.from_1904:
        yield Found("", "", "dates count from 1904")


@check(
    "external-link",
    WARNING,
    "A figure comes from another workbook, which may move or change unseen",
    "bring the figure in as an input with its source",
)
def external_link(subject: Subject) -> Iterator[Found]:
    """Formulas that read other workbooks, once for each that is copied; links that no formula uses."""
    outside = [c for c in subject.firsts() if any(r.external for r in subject.graph.references(c))]
    for cell in outside:
        yield at(cell, f"reads another workbook: {cell.formula[:80]}")
    links = [x for x in subject.book.settings.links if not x.startswith("DDE")]
    if links and not outside:
        yield Found("", "", f"keeps links that no cell uses: {', '.join(links)[:120]}", severity=INFO)


@check(
    "dde-link",
    ERROR,
    "The workbook asks another program for data when it is opened, and can start one",
    "remove the link",
)
def dde_link(subject: Subject) -> Iterator[Found]:
    """Dynamic data exchange."""
    for link in subject.book.settings.links:
        if link.startswith("DDE"):
            yield Found("", "", f"asks another program: {link[:120]}")
    for cell in subject.formulas if any("|" in key for _, key in subject.copies) else ():
        if "|" in cell.formula and "!" in cell.formula.partition("|")[2] and '"' not in cell.formula.partition("|")[0]:
            yield at(cell, f"asks another program: {cell.formula[:80]}")


@check(
    "brings-along",
    INFO,
    "The workbook holds macros, data connections or embedded objects, which this audit does not run",
    "look at them in their own editors",
)
def brings_along(subject: Subject) -> Iterator[Found]:
    """What is in the file besides sheets."""
    held = subject.book.settings
    words = [
        f"{n} {what}" for n, what in ((held.connections, "data connections"), (held.embedded, "embedded objects")) if n
    ]
    if held.macros:
        words.insert(0, "macros")
    if words:
        yield Found("", "", f"holds {', '.join(words)}")


@check(
    "volatile-function",
    INFO,
    "A function recomputes at every change, or hides what a cell depends on",
    "use INDEX for OFFSET and INDIRECT, an input for a date",
)
def volatile_function(subject: Subject) -> Iterator[Found]:
    """OFFSET, INDIRECT, NOW, TODAY, RAND and their kind, once for each formula that is copied."""
    for cell in subject.firsts():
        functions = formula.parts(cell.formula).functions if _MAY_BE_VOLATILE.search(cell.formula.upper()) else ()
        names = [n for n in dict.fromkeys(map(formula.bare, functions)) if n in VOLATILE]
        if names:
            severity = WARNING if {"RAND", "RANDBETWEEN", "RANDARRAY"} & set(names) else ""
            yield at(cell, f"{', '.join(names)} in {cell.formula[:80]}", severity=severity)
