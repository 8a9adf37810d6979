"""The page that `audit --html` writes: one file that loads nothing, and shows every cell of the workbook."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .audit_cells import concerned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xl_econ.audit.baseline import Compared
    from xl_econ.audit.registry import Finding
    from xl_econ.audit.run import Report

_ORDER = ("error", "warning", "info", "accepted", "known")
LISTED = 2000  # findings on paper, and where no script runs
_KEYS = (
    ("arrows, Page, Home, End", "move in the grid; with Ctrl to the edge of the data"),
    ("/", "search: a value, a formula, a label, an address"),
    ("n, p", "next and previous finding"),
    ("Esc", "back to the findings"),
    ("?", "this list"),
)
_LEGEND = (
    ("formula", "", "formula, confirmed"),
    ("unconfirmed", "", "formula, not recomputed"),
    ("input", "", "input with a source"),
    ("unsourced", "", "typed number, no source"),
    ("error", "✕", "error"),
    ("warning", "!", "warning"),
    ("info", "i", "info"),
)


def page(report: Report, compared: Compared, made: str, version: str) -> str:
    """The page of a workbook.

    Args:
        report: Its report, with the cells.
        compared: Its findings, those of a baseline apart.
        made: Date and time, for the reader.
        version: Of this program.
    """
    from xl_econ.audit.registry import every

    cells = report.cells or {"sheets": []}
    found = [_finding(f, "open") for f in compared.new] + [_finding(f, "known") for f in compared.known]
    found += [
        _finding(a.finding, "accepted") | {"reason": a.reason, "name": a.name, "date": a.date} for a in report.accepted
    ]
    order = {s["name"]: n for n, s in enumerate(cells["sheets"])}
    found.sort(key=lambda f: (_ORDER.index(_kind(f)), order.get(f["sheet"], -1)))
    named = {f["check"] for f in found}
    checks = {c.id: [c.severity, c.meaning, c.remedy] for c in every().values() if c.id in named}
    data = json.dumps(
        {"findings": found, "checks": checks, "cells": cells}, separators=(",", ":"), ensure_ascii=False
    ).replace("<", "\\u003c")
    style, script = (files("xl_econ.commands").joinpath("page", f"audit.{e}").read_text("utf-8") for e in ("css", "js"))
    facts = _facts(cells)
    title, where = escape(Path(report.file).name), escape(report.file)
    policy = f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}"
    policy += "; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Audit of {title}</title><style>{style}</style></head>\n<body>"
        f"{_paper(title, facts, found, checks, cells, f'{where}, {made}, xl-econ {version}')}{_app(title, facts)}"
        f'<script type="application/json" id="data">{data}</script><script>{script}</script></body></html>\n'
    )


def digest(text: str) -> str:
    """The source expression of a Content-Security-Policy that admits this very text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _kind(f: dict[str, Any]) -> str:
    """What a finding is shown as."""
    return str(f["severity"] if f["state"] == "open" else f["state"])


def _finding(f: Finding, state: str) -> dict[str, Any]:
    return {k: v for k, v in vars(f).items() if k != "file"} | {"state": state}


def _facts(cells: dict[str, Any]) -> str:
    formulas = sum(k >= 0 for s in cells["sheets"] for k in s["k"])
    typed = sum(
        k == -1 and isinstance(v, int | float) and not isinstance(v, bool)
        for s in cells["sheets"]
        for k, v in zip(s["k"], s["v"], strict=True)
    )
    unconfirmed = formulas if cells.get("uncomputed") else sum(len(s["unconfirmed"]) for s in cells["sheets"])
    other = sum(len(s["computed"]) for s in cells["sheets"])
    said = f"{formulas:,} formulas: {formulas - unconfirmed - other:,} confirmed by {cells.get('engine')}"
    said += f", {other:,} computed otherwise" if other else ""
    said += f", {unconfirmed:,} not recomputed" if unconfirmed else ""
    return escape(f"{said}; {typed:,} typed numbers; {len(cells['sheets'])} sheets")


def _app(title: str, facts: str) -> str:
    legend = "".join(f'<span><span class="key {c}">{mark}</span>{text}</span>' for c, mark, text in _LEGEND)
    keys = "".join(f"<dt><kbd>{escape(k)}</kbd></dt><dd>{escape(what)}</dd>" for k, what in _KEYS)
    return (
        f'<div id="app"><header><div id="title"><h1>Audit of {title}</h1><div id="facts">{facts}</div></div>'
        '<div id="tools"><span id="chips"></span>'
        '<select id="check" aria-label="Check"><option value="">all checks</option></select>'
        '<input id="search" type="search" placeholder="Search  ( / )" aria-label="Search cells and findings">'
        '<button id="to-help" class="chip" aria-label="Keys">?</button></div></header>'
        '<main><div id="tabs" role="tablist" aria-label="Sheets"></div><div id="board">'
        '<div id="across" aria-hidden="true"><div></div></div><div id="down" aria-hidden="true"><div></div></div>'
        '<div id="scroll" tabindex="0" role="grid" aria-label="Cells"><div id="size"><div id="cells" role="row"></div>'
        '<div id="chosen" hidden></div></div></div></div>'
        f'<footer>{legend}<span class="keys"><kbd>/</kbd> search <kbd>n</kbd> <kbd>p</kbd> findings <kbd>?</kbd> keys'
        "</span></footer></main>"
        '<aside><div id="panels" role="tablist"><button role="tab" id="to-list">Findings</button>'
        '<button role="tab" id="to-cell">Cell</button><button role="tab" id="to-found" hidden>Search</button></div>'
        '<div class="panel" id="list" role="tabpanel"></div><div class="panel" id="cell" role="tabpanel" hidden>'
        '<p class="quiet">Choose a cell.</p></div><div class="panel" id="found" role="tabpanel" hidden></div></aside>'
        f'<dialog id="help"><h2>Keys</h2><dl>{keys}</dl><form method="dialog"><button class="chip">Close</button>'
        "</form></dialog></div>"
    )


def _paper(
    title: str,
    facts: str,
    found: Sequence[dict[str, Any]],
    checks: dict[str, list[str]],
    cells: dict[str, Any],
    made: str,
) -> str:
    """The findings and their cells as a plain document: for paper, and for a reader that runs no script."""
    counts = Counter(_kind(f) for f in found)
    said = ", ".join(f"{counts[k]} {k}" for k in _ORDER if counts[k]) or "no findings"
    rows = "".join(_row(f) for f in found[:LISTED])
    table = (
        "<table><thead><tr><th>Severity</th><th>Cell</th><th>What it is called</th><th>Finding</th><th>Check</th></tr>"
        f"</thead><tbody>{rows}</tbody></table>"
        if found
        else ""
    )
    more = f"<p>and {len(found) - LISTED:,} more</p>" if len(found) > LISTED else ""
    meant = "".join(
        f"<tr><td>{escape(n)}</td><td>{escape(m)}.</td><td>{escape(r)}.</td></tr>" for n, (_, m, r) in checks.items()
    )
    meanings = (
        "<h2>The checks</h2><table><thead><tr><th>Check</th><th>What it means</th><th>What to do</th></tr></thead>"
        f"<tbody>{meant}</tbody></table>"
        if checks
        else ""
    )
    about = f"<h1>Audit of {title}</h1><p>{facts}</p><p>{said}. {made}</p>"
    return f'<div id="report">{about}{table}{more}{concerned(found[:LISTED], cells)}{meanings}</div>'


def _row(f: dict[str, Any]) -> str:
    kind = _kind(f)
    place = "!".join(filter(None, (f["sheet"], f["cell"]))) or "workbook"
    accepted = f" (accepted by {f['name']}, {f['date'] or 'undated'}: {f['reason']})" if "reason" in f else ""
    told = "".join(f"<td>{escape(x)}</td>" for x in (place, f["label"], f["message"] + accepted, f["check"]))
    return f'<tr><td class="severity {kind}">{kind}</td>{told}</tr>'
