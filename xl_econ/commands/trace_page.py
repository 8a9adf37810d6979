"""The page that `trace --html` writes: the tree as a table, one file, nothing loaded, nothing run."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .audit_page import digest
from .trace import branches, shown, summarised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xl_econ.audit.lineage import Node

_STYLE = """
:root { color-scheme: light dark; --text: #1b2330; --quiet: #586273; --line: #e2e6ec; --page: #fff; --head: #1f3864;
  --input: #e6f0fd; --bad: #b3201a }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ef; --quiet: #a0aaba; --line: #313a48; --page: #12161d;
  --head: #a9c3f5; --input: #16273f; --bad: #ff9d94 } }
body { font: 14px/1.4 "Segoe UI", system-ui, Arial, sans-serif; color: var(--text); background: var(--page) }
body { margin: 1.5rem auto; max-width: 90rem; padding: 0 1rem }
h1 { font-size: 1.2rem; color: var(--head); margin: 0; overflow-wrap: anywhere }
p, .quiet { color: var(--quiet) }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th { text-align: left; color: var(--quiet); font-weight: 600; border-bottom: 2px solid var(--head) }
td, th { padding: 0 .7rem 0 0; vertical-align: top }
td + td { border-bottom: 1px solid var(--line); padding-top: .1rem; padding-bottom: .1rem }
.tree { white-space: pre; font-family: Consolas, "DejaVu Sans Mono", monospace; font-size: 12.5px; line-height: 1.75 }
.tree span { color: var(--quiet) }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.input td + td { background: var(--input) }
.mark { color: var(--bad) }
code { font: 12px Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere }
@media print { @page { size: landscape; margin: 12mm } body { margin: 0; max-width: none; padding: 0; font-size: 9px }
  .tree, code { font-size: 8px } thead { display: table-header-group } tr { break-inside: avoid } }
"""
_HEADS = ("Cell", "What it is called", "Value", "Unit", "Formula", "Source")
_NO_VALUE = {"blank": "empty", "outside": "in another workbook"}
_MARKS = {"seen": "shown above", "cycle": "a cycle: it reads itself", "deeper": "more below: --depth"}


def page(file: str, direction: str, nodes: Sequence[Node]) -> str:
    """The tree as a page; every text of a workbook is escaped."""
    rows = "\n".join(_row(head, n) for (head, _), n in zip(branches(nodes), nodes, strict=True))
    title = f"{'What depends on' if direction == 'dependents' else 'Where it comes from:'} {nodes[0].at}"
    heads = "".join(f"<th{' class=number' if h == 'Value' else ''}>{h}</th>" for h in _HEADS)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src {digest(_STYLE)}; base-uri 'none'; form-action 'none'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body><h1>{escape(title)}</h1>"
        f"<p>{escape(nodes[0].label)} in {escape(file)}</p><div class=wide><table><thead><tr>{heads}</tr></thead>\n"
        f"<tbody>{rows}</tbody></table></div></body></html>\n"
    )


def _row(head: str, n: Node) -> str:
    value = "" if n.kind in ("range", "blank", "outside") else shown(n.value)
    said = summarised(n.summary) if n.summary is not None else _NO_VALUE.get(n.kind, "")
    said = f"found in {n.found_in}" if n.found_in else said
    label = " ".join(filter(None, (n.label, f"[{n.step or n.name}]" if n.step or n.name else "")))
    mark = f" <span class={'mark' if n.mark == 'cycle' else 'quiet'}>({_MARKS[n.mark]})</span>" if n.mark else ""
    formula = n.words or n.formula if n.mark in ("", "deeper") else ""
    source = ", as of ".join(filter(None, (n.source, n.as_of)))
    kind = " class=input" if n.kind == "input" else ""
    place = escape(n.at or f"· {n.step}")
    return (
        f"<tr{kind}><td class=tree><span>{escape(head)}</span>{place}</td><td>{escape(label)}{mark}"
        f"{f'<div class=quiet>{escape(said)}</div>' if said else ''}</td><td class=number>{escape(value)}</td>"
        f"<td>{escape(n.unit)}</td><td><code>{escape(formula)}</code></td><td class=quiet>{escape(source)}</td></tr>"
    )
