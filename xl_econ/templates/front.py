"""The sheets around the model: Cover, Sources, Changelog, Glossary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

from xl_econ import __version__
from xl_econ.workbook import rate_card

from .canvas import Canvas
from .layout import Layout, table
from .model import Model
from .parts import (
    CALCULATION,
    CHECKS,
    COMPARISON,
    DRIVERS,
    FUNCTIONS,
    INPUTS,
    LIVE,
    RESULTS,
    SELECTOR_ROW,
    SENSITIVITY,
    TIMELINE,
    InputRow,
    unit_text,
)
from .stamp import HASHES, Stamp
from .styles import Styles

PURPOSE_ROW, OWNER_ROW = 4, 5
FIRST_SOURCE_ROW = 5
ABOUT = {
    INPUTS: "Inputs in three cases, with units, bounds and sources",
    CALCULATION: "One step a row",
    TIMELINE: "The live case month by month, with charts",
    DRIVERS: "What a target would take, and why two cases differ",
    SENSITIVITY: "Results of the live case as figures move, with a tornado",
    RESULTS: "The figures to take away, with charts",
    COMPARISON: "Every case beside the others, and against one of them",
    CHECKS: "Bounds, reconciliations, published runs; one master check",
    FUNCTIONS: "The same results by named functions (Excel 365)",
    "Sources": "Where every figure comes from",
    "Changelog": "Versions of the template, and your own",
    "Glossary": "Words as they are used here",
}
_GUIDE_WIDTH = 84  # characters of the merged cells
_EXAMPLE = 1234.5
_LEGEND = (
    ("input", "Input: type over it"),
    ("calculation", "Calculation: leave it"),
    ("link", "Link to another sheet"),
    ("constant", "Figure of a table, constant of a definition"),
)


def cover(
    ws: object, style: Styles, model: Model, master: str, sheets: list[str], texts: Mapping[str, str], stamped: Stamp
) -> dict[str, str]:
    """Purpose, owner, the live results, the master check, the colours and the contents; answers with cells to name."""
    c = Canvas(ws, style, (3, 44, 20, 16, 34), wide=False)
    layout = model.layout
    c.ws.set_row(0, 34)
    c.text("B1", layout.title, "title")
    c.text("B2", layout.about, "about")
    for row, key in ((PURPOSE_ROW, "purpose"), (OWNER_ROW, "owner")):
        c.text(f"B{row}", key.capitalize())
        c.merged(f"C{row}:E{row}", texts.get(key, ""), "input_text")
    c.text("B6", "Figures as of")
    c.merged("C6:E6", layout.as_of, "label")
    c.text("B7", "Live case")
    c.formula("C7", f"{INPUTS}!D{SELECTOR_ROW}", model.selected, "link")
    c.section(9, "Results of the live case", "BCDE")
    c.text("D7", given(model.layout, model.own), "about")
    row = 10
    for key in layout.headline:
        line = model.line(key)
        c.ws.set_row(row - 1, 24)
        c.text(f"B{row}", line.label, "headline_label")
        c.formula(f"C{row}", f"{CALCULATION}!D{line.row}", line.values[LIVE], "headline", line.format)
        c.text(f"D{row}", unit_text(line.unit, line.format), "headline_unit")
        c.text(f"E{row}", "", "headline_unit")
        row += 1
    row += 1
    c.ws.set_row(row - 1, 24)
    c.text(f"B{row}", "Checks", "headline_label")
    c.merged(f"C{row}:E{row}", "", "master")
    c.formula(f"C{row}", f"{CHECKS}!C3", master, "master")
    c.master_colours(f"C{row}")
    row = _guide(c, layout.guide, row) + 2
    c.section(row, "Colours", "BCDE")
    for kind, what in _LEGEND:
        row += 1
        _example(c, f"B{row}", kind, f"B{row - 1}")
        c.merged(f"C{row}:E{row}", what, "note")
    row += 2
    c.section(row, "Sheets", "BCDE")
    about = ABOUT | {t.sheet: t.about for t in layout.tables}
    for name in sheets[1:]:
        row += 1
        c.ws.write_url(f"B{row}", f"internal:'{name}'!A1", style("contents"), name)
        c.merged(f"C{row}:E{row}", about[name], "label")
    row += 2
    named = {
        "inputs.purpose": f"$C${PURPOSE_ROW}",
        "inputs.owner": f"$C${OWNER_ROW}",
        "xl_econ.given": "$D$7",
        "xl_econ.template": f"$C${row}",
    } | {f"xl_econ.{what}_hash": f"$C${row + n}" for n, what in enumerate(HASHES, 1)}
    for label, what in (
        ("Template", stamped.line),
        *((label, getattr(stamped, what)) for what, label in HASHES.items()),
        *_rate_card(),
        ("Built by", f"xl-econ {__version__}"),
    ):
        c.text(f"B{row}", label)
        c.merged(f"C{row}:E{row}", what, "label")
        row += 1
    return {name: f"Cover!{cell}" for name, cell in named.items()}


def _guide(c: Canvas, steps: Sequence[str], row: int) -> int:
    """How the workbook is used, below a row; answers with the last row."""
    if steps:
        row += 2
        c.section(row, "How to use it", "BCDE")
        c.ws.fit_to_pages(1, 1)
    for n, step in enumerate(steps, 1):
        row += 1
        c.text(f"B{row}", f"Step {n}", "wrap")
        c.merged(f"C{row}:E{row}", step, "wrap")
        c.ws.set_row(row - 1, 14 * len(wrap(step, _GUIDE_WIDTH)) + 1)
    return row


def _example(c: Canvas, cell: str, kind: str, above: str) -> None:
    """A figure in the colour of its kind, which is of that kind in the legend too."""
    if kind == "calculation":
        c.formula(cell, above, _EXAMPLE, kind, "#,##0.0")
    elif kind == "link":
        c.formula(cell, f"{INPUTS}!A1", INPUTS, kind)
    else:
        c.number(cell, _EXAMPLE, kind, "#,##0.0")


def given(layout: Layout, own_keys: Sequence[str]) -> str:
    """How many inputs were given, and how many are the template's own."""
    count, own = len(layout.by_key), len(own_keys)
    return (
        f"{count - own} of {count} inputs given, {own} the template's own"
        if own < count
        else "the template's own inputs"
    )


def _rate_card() -> list[tuple[str, str]]:
    """The rate card that the tables come from, where one is in use."""
    path = rate_card.current()
    return [("Rate card", f"{path.name}: {', '.join(t.sheet for t in rate_card.held())}")] if path else []


def sources(ws: object, style: Styles, model: Model) -> None:
    """Where every input and table comes from, as of when, and how far to trust it."""
    c = Canvas(ws, style, (3, 34, 84, 24, 12))
    c.title("Sources", "Where the figures come from, as of when, and how far to trust them.")
    c.headings(4, ["", "Figure", "Source", "As of", "Grade"])
    lines: list[tuple[str, str, str, str]] = []
    for sheet in model.layout.tables:
        rows = list(table(sheet).rows.values())
        dates = sorted(r.as_of for r in rows)
        grades = ", ".join(sorted({r.grade for r in rows}))
        each = f"{len(rows)} rows, each with its own source"
        lines.append((f"Sheet {sheet.sheet}", each, f"{dates[0]} to {dates[-1]}", grades))
    row, beside = FIRST_SOURCE_ROW, [model.columns.beyond(n) for n in (3, 4, 5)]
    for x in model.inputs:
        if isinstance(x, InputRow):
            c.text(f"B{row}", x.input.label)
            # Linked, so that a source that is written beside an input later stands here too.
            for column, kind, what in zip(
                "CDE", beside, (x.origin.source, x.origin.as_of, x.origin.grade), strict=True
            ):
                c.formula(f"{column}{row}", f'{INPUTS}!{kind}{x.row}&""', what, "link_note")
            c.fit(row, {"C": x.origin.source})
            row += 1
    for n, line in enumerate(lines, row):
        for column, what in zip("BCDE", line, strict=True):
            c.text(f"{column}{n}", what, "note" if column == "C" else "label")
        c.fit(n, {"C": line[1]})
    row += len(lines) + 1
    c.section(row, "Method", "BC")
    for n, source in enumerate(model.layout.sources, row + 1):
        c.text(f"C{n}", source, "note")
        c.fit(n, {"C": source})


def changelog(ws: object, style: Styles, model: Model) -> None:
    """The template's versions, and room for the user's own lines."""
    c = Canvas(ws, style, (3, 12, 14, 90), wide=False)
    c.title("Changelog", "What changed in this template. Add your own lines below.")
    c.headings(4, ["", "Version", "Date", "What"])
    for row, change in enumerate(model.layout.changes, 5):
        for column, what in zip("BCD", (change.version, change.date, change.what), strict=True):
            c.text(f"{column}{row}", what)
    for row in range(5 + len(model.layout.changes), 15):
        for column in "BCD":
            c.text(f"{column}{row}", "", "input_text")


def glossary(ws: object, style: Styles, model: Model) -> None:
    """The words that the sheets use."""
    c = Canvas(ws, style, (3, 24, 96), wide=False)
    c.title("Glossary", "Words as they are used here.")
    c.headings(4, ["", "Term", "Meaning"])
    for row, t in enumerate(model.layout.glossary, 5):
        c.text(f"B{row}", t.term, "bold")
        c.text(f"C{row}", t.meaning, "wrap")
        c.fit(row, {"C": t.meaning})
