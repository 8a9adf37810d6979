"""The page that `diff --html` writes: one file, nothing loaded, nothing run."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING

from .compare import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xl_econ.templates.diff import Finding

_STYLE = """
:root { color-scheme: light dark; --text: #1f2937; --quiet: #5b6472; --line: #e2e6ec; --page: #fff; --head: #1f3864;
  --old: #a01b12; --old-back: #fdecea; --new: #05603a; --new-back: #e4f7ec }
@media (prefers-color-scheme: dark) { :root { --text: #e5e7eb; --quiet: #a3acb9; --line: #343c48; --page: #14181f;
  --head: #9db9ee; --old: #ffb4ab; --old-back: #46201d; --new: #8fe3b4; --new-back: #153a28 } }
body { font: 14px/1.5 "Segoe UI", Arial, sans-serif; color: var(--text); background: var(--page) }
body { margin: 2rem auto; max-width: 80rem; padding: 0 1rem }
h1 { font-size: 1.4rem; color: var(--head); margin-bottom: 0 }
h2 { font-size: 1.05rem; color: var(--head); border-bottom: 2px solid var(--head); margin: 2rem 0 .5rem }
p { overflow-wrap: anywhere }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; min-width: 44rem; table-layout: fixed }
th { text-align: left; font-weight: 600; color: var(--quiet) }
th:nth-child(1) { width: 26% } th:nth-child(4) { width: 9% } th:nth-child(5) { width: 17% }
td, th { padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere }
.number { text-align: right; font-variant-numeric: tabular-nums }
del, ins { text-decoration: none; padding: 0 .2em; border-radius: .2em }
del { color: var(--old); background: var(--old-back) }
ins { color: var(--new); background: var(--new-back) }
.none, .where { color: var(--quiet) }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem }
nav a { color: var(--head) }
@media print { :root { --text: #000; --quiet: #444; --line: #bbb; --page: #fff; --head: #1f3864; --old: #8c1d18;
  --old-back: none; --new: #05603a; --new-back: none }
  @page { size: landscape; margin: 12mm }
  body { margin: 0; max-width: none; padding: 0; font-size: 10px }
  nav { display: none } .wide { overflow: visible } table { min-width: 0 } thead { display: table-header-group }
  tr { break-inside: avoid } h2 { break-after: avoid } del { text-decoration: line-through } }
"""
SHOWN = 2000  # rows of a group; a browser takes no more at a time without pain


def page(a: str, b: str, found: Sequence[Finding]) -> str:
    """The findings as a page; every text of a workbook is escaped."""
    from xl_econ.templates.diff import GROUPS

    groups = {g: [f for f in found if f.group == g] for g in GROUPS}
    held = {g: here for g, here in groups.items() if here}
    links = "".join(f'<a href="#{g}">{GROUPS[g]} ({len(here)})</a>' for g, here in held.items())
    body = "".join(_section(g, GROUPS[g], here) for g, here in held.items()) or "<p>No difference.</p>"
    title = f"{escape(a)} &rarr; {escape(b)}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>What differs</h1><p>{title}</p><nav>{links}</nav>\n{body}</body></html>\n"
    )


def _policy() -> str:
    """Nothing is loaded or run, and no style but ours holds."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _section(group: str, title: str, found: Sequence[Finding]) -> str:
    rows = "\n".join(_row(f) for f in found[:SHOWN])
    head = "<th>What</th><th>Old</th><th>New</th><th class=number>Change</th><th>Where</th>"
    more = f"<p class=where>... and {len(found) - SHOWN:,} more (--json lists all)</p>" if len(found) > SHOWN else ""
    table = f"<table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table>"
    return f'<h2 id="{group}">{escape(title)}</h2>\n<div class=wide>{table}</div>{more}\n'


def _row(f: Finding) -> str:
    _, _, _, change = shown(f)
    kind = " class=number" if all(v is None or isinstance(v, float) for v in (f.old, f.new)) else ""
    where = escape(f"{f.sheet}!{f.cell}" if f.cell else f.sheet)
    return (
        f"<tr><td>{escape(f.name)}</td><td{kind}>{_value(f, f.old, 'del')}</td><td{kind}>{_value(f, f.new, 'ins')}</td>"
        f"<td class=number>{escape(change)}</td><td class=where>{where}</td></tr>"
    )


def _value(f: Finding, value: object, tag: str) -> str:
    """One side of a finding; nothing is said of a count of cells, which has no other side."""
    if value is None:
        return "" if f.group == "formatting" else "<span class=none>(none)</span>"
    old, _, new, _ = shown(f)
    return f"<{tag}>{escape(old if tag == 'del' else new)}</{tag}>"
