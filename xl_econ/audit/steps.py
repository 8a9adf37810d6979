"""The steps of a cell that calls one of our functions, with the values that it is given there."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from xl_econ.core.errors import XlEconError
from xl_econ.hosts.explain import Step, explain
from xl_econ.metrics import REGISTRY
from xl_econ.workbook.book import Cell
from xl_econ.workbook.graph import Graph, references
from xl_econ.workbook.relative import relative

_CALL = re.compile(r"=\+?\s*(?:_xl(?:l|udf)\.|_xlfn\._xlws\.)?([A-Z_][A-Z0-9_]*)\((.*)\)\s*", re.I | re.S)
_MOST = 10_000  # cells of a range that is an argument
_TRUTHS = {"TRUE": True, "FALSE": False}


def steps(cell: Cell, graph: Graph) -> list[Step]:
    """What a call in a cell takes and works out on its way, without its result.

    Nothing where the formula is no single call of ours, or an argument is no cell, range, name or constant.
    """
    called = _called(cell.formula)
    if called is None:
        return []
    name, arguments = called
    metric = REGISTRY[name]
    try:
        values = [_value(a, cell, graph) for a in arguments]
        bound = metric.bind(tuple(values), {})
        given = {n: bound[n] for n, v in zip(metric.params, values, strict=False) if v is not None}
        return [s for s in explain(metric, given) if s.kind in ("default", "lookup", "step")]
    except (XlEconError, ArithmeticError, TypeError, ValueError):
        return []


@lru_cache(1 << 12)
def _called(formula: str) -> tuple[str, tuple[str, ...]] | None:
    """The function and the arguments of a formula that is one call."""
    found = _CALL.fullmatch(formula)
    if found is None or found[1].upper() not in REGISTRY:
        return None
    arguments, depth, start, quoted = [], 0, 0, ""
    text = found[2]
    for n, letter in enumerate(text):
        if quoted:
            quoted = "" if letter == quoted else quoted
        elif letter in "\"'":
            quoted = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth < 0:  # the bracket at the end closes another call
                return None
        elif letter == "," and not depth:
            arguments.append(text[start:n].strip())
            start = n + 1
    return found[1].upper(), (*arguments, text[start:].strip())


def _value(text: str, cell: Cell, graph: Graph) -> Any:
    """The value of an argument.

    Raises:
        ValueError: It is worked out in the formula itself.
    """
    if not text:
        return None
    if text.upper() in _TRUTHS:
        return _TRUTHS[text.upper()]
    if text[0] == '"':
        return text[1:-1].replace('""', '"')
    if re.fullmatch(r"[-+]?[\d.]+(?:E[-+]?\d+)?%?", text, re.I):
        return float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    key = relative(f"={text}", cell.row, cell.column)[1:]
    named = references(key)
    places = list(graph.places(named[0], cell)) if len(named) == 1 and named[0].text == key else []
    if len(places) != 1:
        raise ValueError(text)
    top, bottom, left, right = places[0].area
    if (bottom - top + 1) * (right - left + 1) > _MOST:
        raise ValueError(text)
    held = [c.shown for c in graph.cells(places[0])]
    return held if not places[0].is_cell else held[0] if held else None
