"""The steps of a cell that calls one of our functions, with the values that it is given there."""

from __future__ import annotations

from xl_econ.core.errors import XlEconError
from xl_econ.hosts.explain import Step, explain
from xl_econ.metrics import REGISTRY
from xl_econ.workbook.book import Cell
from xl_econ.workbook.graph import Graph

from .arithmetic import Evaluator
from .parsed import Unknown, calls_ours, tree


def steps(cell: Cell, graph: Graph) -> list[Step]:
    """What a call in a cell takes and works out on its way, without its result.

    Nothing where the formula is no single call of ours, or an argument is what is not known here.
    """
    called = tree(cell.key) if calls_ours(cell.key) else None
    if called is None or called.op not in REGISTRY:
        return []
    metric, evaluator = REGISTRY[called.op], Evaluator(graph)
    try:
        values = tuple(evaluator.node(a, cell) for a in called.args)
        bound = metric.bind(values, {})
        given = {n: bound[n] for n, v in zip(metric.params, values, strict=False) if v is not None}
        return [s for s in explain(metric, given) if s.kind in ("default", "lookup", "step")]
    except (Unknown, XlEconError, ArithmeticError, TypeError, ValueError):
        return []
