"""The command `trace`: where a number comes from, or what depends on it, as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .printing import print_json, rounded

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from xl_econ.audit.lineage import Node

_MARKS = {"seen": "(shown above)", "cycle": "(CYCLE: it reads itself)", "deeper": "(more below: --depth)"}
_WIDEST = 88


def trace(args: argparse.Namespace) -> int:
    """The lineage of a cell: text, JSON or a page."""
    from xl_econ.audit import lineage
    from xl_econ.core.errors import UsageError

    if args.depth < 0:
        raise UsageError(f"--depth {args.depth}: a count of levels, 0 for all")
    nodes = lineage.trace(args.workbook, args.cell, args.dependents, args.depth, args.full)
    direction = "dependents" if args.dependents else "precedents"
    if args.html:
        from .files import write_text
        from .trace_page import page

        write_text(args.html, page(str(args.workbook), direction, nodes), args.force)
    if args.json:
        print_json({"file": str(args.workbook), "direction": direction, "nodes": [n.as_dict() for n in nodes]})
        return 0
    for line in lines(nodes):
        print(line)
    if args.html:
        print(args.html)
    return 0


def lines(nodes: Sequence[Node]) -> list[str]:
    """The tree as a terminal shows it."""
    found = []
    for (head, rest), node in zip(branches(nodes), nodes, strict=True):
        found.append(f"{head}{described(node)}")
        if node.formula and node.mark in ("", "deeper"):
            text = f"= {node.words.partition(' = ')[2]}" if " = " in node.words else node.formula
            found.append(f"{rest}   {_cut(text)}")
        if node.source and not node.mark:
            found.append(f"{rest}   source: {_cut(node.source)}" + (f", as of {node.as_of}" if node.as_of else ""))
    return found


def branches(nodes: Sequence[Node]) -> list[tuple[str, str]]:
    """What stands before each node, and before the lines that belong to it."""
    found: list[tuple[str, str]] = []
    to_come: set[int] = set()  # levels with a further node below, seen from the end
    below = -1
    for node in reversed(nodes):
        d = node.depth
        before = "".join("│  " if x in to_come else "   " for x in range(1, d))
        last = d not in to_come
        stem = "│" if below > d else " "
        if d == 0:
            found.append(("", stem))
        else:
            found.append((before + ("└─ " if last else "├─ "), before + ("   " if last else "│  ") + stem))
        to_come, below = {x for x in to_come if x < d} | {d}, d
    return found[::-1]


def described(node: Node) -> str:
    """A node in one line: place, label, value, unit."""
    if node.kind == "step":
        text = f"{node.step} = {shown(node.value)}{f' {node.unit}' if node.unit else ''}"
        return f"· {text}  {_cut(node.words.partition(' = ')[2] or node.label)}"
    parts = [node.at]
    if node.label:
        parts.append(node.label)
    if node.step or node.name:
        parts.append(f"[{node.step or node.name}]")
    text = "  ".join(parts)
    if node.kind == "range" and node.summary is not None:
        text += f"  {summarised(node.summary)}"
    elif node.kind == "blank":
        text += "  (empty)"
    elif node.kind == "outside":
        text += "  (in another workbook)"
    else:
        text += f"  = {shown(node.value)}{f' {node.unit}' if node.unit else ''}"
    if node.kind == "input":
        text += "  input"
    if node.found_in:
        text += f"  found in {node.found_in}"
    return f"{text}  {_MARKS[node.mark]}" if node.mark else text


def summarised(summary: dict[str, Any]) -> str:
    """A range in one line."""
    text = f"{summary['cells']:,} cells"
    if summary["formulas"]:
        text += f", {summary['formulas']:,} formulas"
    if "sum" in summary:
        text += "".join(f", {k} {shown(summary[k])}" for k in ("min", "max", "sum"))
    return text


def shown(value: Any) -> str:
    """A value as it is read on a terminal."""
    if value is None:
        return "(not computed)"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{rounded(value):,.10g}"


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."
