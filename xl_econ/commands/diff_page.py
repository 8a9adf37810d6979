"""The page that `diff --html` writes: one file, nothing loaded, nothing run."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .compare import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xl_econ.templates.diff import Finding

_STYLE = """
body { font: 14px/1.5 "Segoe UI", Arial, sans-serif; color: #1f2937 }
body { margin: 2rem auto; max-width: 80rem; padding: 0 1rem }
h1 { font-size: 1.4rem; color: #1f3864; margin-bottom: 0 }
h2 { font-size: 1.05rem; color: #1f3864; border-bottom: 2px solid #1f3864; margin: 2rem 0 .5rem }
table { border-collapse: collapse; width: 100%; table-layout: fixed }
th { text-align: left; font-weight: 600; color: #6b7280 }
td, th { padding: .25rem .6rem; border-bottom: 1px solid #e5e7eb; vertical-align: top; overflow-wrap: anywhere }
.number { text-align: right; font-variant-numeric: tabular-nums }
del { color: #b42318; background: #fef3f2; text-decoration: none }
ins { color: #067647; background: #ecfdf3; text-decoration: none }
nav a { margin-right: 1rem; color: #1f3864 }
.where { color: #6b7280 }
"""


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
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>What differs</h1><p>{title}</p><nav>{links}</nav>\n{body}</body></html>\n"
    )


def _section(group: str, title: str, found: Sequence[Finding]) -> str:
    rows = "\n".join(_row(f) for f in found)
    head = "<th>What</th><th>Old</th><th>New</th><th class=number>Change</th><th>Where</th>"
    return f'<h2 id="{group}">{escape(title)}</h2>\n<table><tr>{head}</tr>\n{rows}</table>\n'


def _row(f: Finding) -> str:
    old, _, new, change = (escape(x) for x in shown(f))
    kind = " class=number" if isinstance(f.old, float) or isinstance(f.new, float) else ""
    where = escape(f"{f.sheet}!{f.cell}" if f.cell else f.sheet)
    return (
        f"<tr><td>{escape(f.name)}</td><td{kind}><del>{old}</del></td><td{kind}><ins>{new}</ins></td>"
        f"<td class=number>{change}</td><td class=where>{where}</td></tr>"
    )
