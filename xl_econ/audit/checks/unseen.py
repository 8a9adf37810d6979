"""Figures that their own format hides, wholly or in the digits that matter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from xl_econ.audit.registry import INFO, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell

_APART = 0.01  # of a figure, which its rounding may hide
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_DIGITS = re.compile(r"(?P<whole>[#0?][#0?, ]*)?(?:\.(?P<decimals>[0#?]+))?(?P<thousands>,*)(?P<share>%*)")


@check(
    "format-hides-number",
    WARNING,
    "A figure that formulas read is shown as nothing: its format is empty, or its colour is that of its cell",
    "give it a format and a colour in which it can be read",
)
def format_hides_number(subject: Subject) -> Iterator[Found]:
    """Formats such as ;;; and white on white."""
    for cell in chain.from_iterable(cells for _, cells in subject.formatted_inputs):
        sections = cell.format.split(";")
        nothing = len(sections) > 1 and not sections[0 if cell.shown >= 0 else 1].strip()
        same = bool(cell.fill) and cell.fill not in ("black", "") and cell.font == cell.fill
        if nothing or same:
            yield at(cell, f"{cell.text} is {'formatted as nothing' if nothing else 'in the colour of its cell'}")


@check(
    "digits-hidden",
    INFO,
    "An input shows as another number than it is: the format rounds off more than a hundredth of it",
    "show more digits, or type what is meant",
)
def digits_hidden(subject: Subject) -> Iterator[Found]:
    """Typed figures that formulas read."""
    formatted = (cells for look, cells in subject.formatted_inputs if look.format != "General")
    for cell in chain.from_iterable(formatted):
        seen = shown(cell)
        if seen is not None and cell.shown and abs(seen - cell.shown) > _APART * abs(cell.shown):
            yield at(cell, f"{cell.text} shows as {seen:.15g} in the format {cell.format}")


def shown(cell: Cell) -> float | None:
    """The number that a reader sees; None where the format is none of a plain number."""
    if cell.format == "General" or cell.look.is_date:
        return None
    sections = cell.format.split(";")
    section = _LITERAL.sub("", sections[1 if cell.shown < 0 and len(sections) > 1 else 0])
    if "E" in section.upper() or "/" in section or "@" in section or "#" not in section.replace("0", "#"):
        return None
    found = max(_DIGITS.finditer(section), key=lambda m: len(m[0]))
    scale = 1000.0 ** (len(found["thousands"]) + _trailing(found["whole"] or "", found)) / 100 ** section.count("%")
    return float(round(cell.shown / scale, len(found["decimals"] or "")) * scale)


def _trailing(whole: str, found: re.Match[str]) -> int:
    """Commas at the end of the digits, which divide by a thousand each."""
    return 0 if found["decimals"] else len(whole) - len(whole.rstrip(","))
