"""Figures that are written into formulas, where nobody sees them or can give them a source."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xl_econ.audit.registry import WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.lint import formula

# Conversions of units: hours, days, weeks, months, quarters, years; bits and bytes; shares; FLOP a parameter and token.
_UNITS = (
    {
        60,
        24,
        3600,
        86_400,
        7,
        52,
        12,
        4,
        30,
        30.4,
        30.42,
        30.4375,
        365,
        365.25,
        360,
        366,
        168,
        720,
        730,
        730.5,
        8760,
        8766,
        8784,
        525_600,
    }
    | {8, 6, 0.5, 1024, 1024**2, 1024**3, 1024**4}
    | {float(f"1e{n}") for n in range(-12, 19)}
)
# Numbers in these say how to compute or when, and not how much.
_OTHERWISE = re.compile(
    r"\b(DATE|TIME|EDATE|EOMONTH|WORKDAY|WEEKDAY|WEEKNUM|OFFSET|ADDRESS|REPT|MROUND|CEILING|FLOOR|TEXT|CHAR|CODE|"
    r"CEILING\.MATH|FLOOR\.MATH|YEARFRAC|RANDBETWEEN|PERCENTILE|QUARTILE|SUBSTITUTE|HYPERLINK)\([^()]*\)",
    re.I,
)
_TEXT = re.compile(r'"[^"]*"')


@check(
    "constant-in-formula",
    WARNING,
    "A figure is written into a formula: nobody sees it among the inputs, and it has no unit and no source",
    "give the figure a cell of its own, with unit and source, and let the formula read it",
)
def constant_in_formula(subject: Subject) -> Iterator[Found]:
    """Numbers that a formula computes with, once for each that is copied; conversions of units are none."""
    for blocks in subject.copies.values():
        cell = blocks[0].first
        if not any(c.isdigit() for c in cell.formula):
            continue
        bare = _OTHERWISE.sub("0", cell.formula)
        numbers = [n for n in dict.fromkeys(formula.parts(bare).numbers) if abs(float(n)) not in _UNITS]
        if numbers and (subject.graph.references(cell) or len(numbers) > 1):
            count = sum(b.count for b in blocks)
            copies = f", in {count} copies" if count > 1 else ""
            yield at(cell, f"{', '.join(numbers)} in {cell.formula[:80]}{copies}")
