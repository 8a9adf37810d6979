"""The cells that findings are about, as a table: on paper there is no grid to click in."""

from __future__ import annotations

from html import escape
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from .trace import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HEADS = ("Cell", "What it is called", "Value", "Recomputed", "Formula", "Checks")


def concerned(found: Sequence[Mapping[str, Any]], cells: Mapping[str, Any]) -> str:
    """A heading and a table of the cells that findings are about, each once, in the order of the findings.

    Args:
        found: Findings, as the page holds them.
        cells: The workbook's cells, as the page holds them.
    """
    of: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for f in found:
        if f["sheet"] and f["cell"]:
            of.setdefault((f["sheet"], f["cell"].partition(":")[0]), []).append(f)
    held = {(sheet, at): told for sheet, at, *told in _told(set(of), cells)}
    rows = "".join(_row(place, about, *held.get(place, ("", "", ""))) for place, about in of.items())
    heads = "".join(f"<th{' class=figure' if h in _HEADS[2:4] else ''}>{h}</th>" for h in _HEADS)
    table = f'<table id="concerned"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    return f"<h2>The cells concerned</h2>{table}" if rows else ""


def _told(places: set[tuple[str, str]], cells: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """Sheet, cell, value, recomputed value where it is another, and formula of places."""
    from xl_econ.workbook.cell import At, address
    from xl_econ.workbook.relative import placed

    for sheet in cells["sheets"]:
        wanted = {at for name, at in places if name == sheet["name"]}
        if not wanted:
            continue
        others = {int(n): value for n, value in sheet["computed"].items()}  # JSON makes texts of keys
        for n, (row, column) in enumerate(zip(accumulate(sheet["r"]), sheet["c"], strict=True)):
            at = address(At(row, column))
            if at in wanted:
                key, computed = sheet["k"][n], others.get(n)
                formula = placed(cells["keys"][key], row, column) or cells["keys"][key] if key >= 0 else ""
                other = "" if computed is None else shown(computed)
                yield sheet["name"], at, shown(sheet["v"][n]), other, formula


def _row(place: tuple[str, str], about: Sequence[Mapping[str, Any]], value: str, computed: str, formula: str) -> str:
    label = next((f["label"] for f in about if f["label"]), "")
    checks = ", ".join(dict.fromkeys(f["check"] for f in about))
    return (
        f"<tr><td>{escape('!'.join(place))}</td><td>{escape(label)}</td><td class=figure>{escape(value)}</td>"
        f"<td class=figure>{escape(computed)}</td><td><code>{escape(formula)}</code></td><td>{escape(checks)}</td></tr>"
    )
