"""Metrics solved for one of their inputs give that input back."""

import math

import pytest
from support import random_inputs

from xl_econ.core.errors import XlEconError
from xl_econ.core.expr import Expr, leaves, var
from xl_econ.core.inverse import inverse
from xl_econ.core.ops import evaluate, log, maximum, roundup, sqrt, where
from xl_econ.core.registry import Metric
from xl_econ.metrics import REGISTRY

X, A, B = var("x"), var("a"), var("b")


@pytest.mark.parametrize(
    ("tree", "by_hand"),
    [
        (3 * X + 1, lambda r: (r - 1) / 3),
        (A / X - B, lambda r: 5 / (r + 2)),
        (A - X, lambda r: 5 - r),
        (-X, lambda r: -r),
        (X**2 * A, lambda r: math.sqrt(r / 5)),
        (A**X, lambda r: math.log(r) / math.log(5)),
        (sqrt(X + A), lambda r: r * r - 5),
        (log(X) / B, lambda r: math.exp(2 * r)),
        (A * X + B * X, lambda r: r / 7),
        ((A * X + 1) / (X + B), lambda r: (1 - 2 * r) / (r - 5)),
        (A * (1 - X) + B * X, lambda r: (r - 5) / -3),
        (X / (X + A), lambda r: 5 * r / (1 - r)),
    ],
)
def test_a_tree_is_solved_as_by_hand(tree: Expr, by_hand) -> None:
    for r in (0.3, 1.7, 11.0):
        assert evaluate(inverse(tree, "x", var("r")), {"a": 5.0, "b": 2.0, "r": r}) == pytest.approx(
            by_hand(r), rel=1e-14
        )


@pytest.mark.parametrize(
    "tree", [roundup(X), maximum(X, A), where(X > 1, X, A), X * X, X + sqrt(X), A + B], ids=lambda e: e.op
)
def test_what_has_no_closed_form_says_so(tree: Expr) -> None:
    assert inverse(tree, "x", 1.0) is None


def _solvable() -> list[tuple[Metric, str]]:
    metrics = [m for m in REGISTRY.values() if isinstance(m, Metric) and isinstance(m.tree, Expr)]
    return [
        (m, e.args[0])
        for m in metrics
        for e in leaves(m.tree)
        if isinstance(e, Expr) and e.op == "var" and inverse(m.tree, e.args[0], var("result")) is not None
    ]


@pytest.mark.parametrize(("metric", "name"), _solvable(), ids=lambda x: getattr(x, "name", x))
def test_a_metric_gives_its_input_back(metric: Metric, name: str) -> None:
    solved = inverse(metric.tree, name, var("result"))
    seen = 0
    for given in random_inputs(metric, 60):
        try:
            result = evaluate(metric.tree, given)
            moved = evaluate(metric.tree, given | {name: given[name] * 1.001})
        except (ArithmeticError, ValueError, XlEconError):
            continue
        if not math.isfinite(result) or abs(moved - result) <= 1e-9 * abs(result):
            continue  # the result hardly depends on it there
        seen += 1
        assert evaluate(solved, given | {"result": result}) == pytest.approx(given[name], rel=1e-9)
    assert seen
