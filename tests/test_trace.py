"""What a spreadsheet cannot say is refused while tracing, with file, line and remedy."""

import math

import numpy as np
import pytest

from xl_econ.core import ops
from xl_econ.core.errors import TraceError
from xl_econ.core.expr import Const, Expr, leaves, steps, var
from xl_econ.core.quantities import Usd
from xl_econ.core.registry import metric, trace
from xl_econ.metrics import REGISTRY, get

REFUSED = [
    (lambda x, y: x if x > y else y, "where"),
    (lambda x, y: max(x, y), "where"),
    (lambda x, y: x and y, "where"),
    (lambda x, y: 0 < x < 1, "where"),
    (lambda x, y: math.ceil(x), "xl_econ.core.ops"),
    (lambda x, y: math.sqrt(x), "xl_econ.core.ops"),
    (lambda x, y: float(x), "xl_econ.core.ops"),
    (lambda x, y: int(x), "xl_econ.core.ops"),
    (lambda x, y: round(x), "xl_econ.core.ops"),
    (lambda x, y: range(x), "xl_econ.core.ops"),
    (lambda x, y: x // y, "ops.rounddown"),
    (lambda x, y: x % y, "ops.rounddown"),
    (lambda x, y: 7 % x, "ops.rounddown"),
    (lambda x, y: (x > 1) & (y > 1), "where"),
    (lambda x, y: abs(x), "ops.maximum"),
    (lambda x, y: [v for v in x], "one by one"),
    (lambda x, y: x[0], "one by one"),
    (lambda x, y: len(x), "one by one"),
    (lambda x, y: np.sqrt(x), "xl_econ.core.ops"),
    (lambda x, y: np.float64(2) * x, "xl_econ.core.ops"),
    (lambda x, y: np.array([1.0, 2.0]) + x, "xl_econ.core.ops"),
    (lambda x, y: x.rate, "plain arithmetic"),
]


@pytest.mark.parametrize(("body", "remedy"), REFUSED)
def test_refused(body, remedy):
    with pytest.raises(TraceError) as e:
        result = trace(body, {"x": var("x"), "y": var("y")})
        assert not isinstance(result, Expr), "nothing was refused"
        raise AssertionError(result)
    assert remedy in str(e.value)
    assert "test_trace" in str(e.value), "the place is named"


def test_the_line_is_that_of_the_body():
    def body(x):
        y = x * 2
        return y // 3

    with pytest.raises(TraceError, match=rf"test_trace.py:{body.__code__.co_firstlineno + 2} in body\(\)"):
        trace(body, {"x": var("x")})


def test_locals_and_called_metrics_are_steps():
    names = [e.name for e in steps(get("TRAIN_COST").tree)]
    assert names == ["flop_per_token", "train_flop", "gpu_hours", None]
    assert {x for e in leaves(get("TRAIN_COST").tree) if (x := getattr(e, "name", None))} >= {"BILLION", "mfu"}


def test_defaults_leave_the_seeds_formula():
    """Attention, recomputation, goodput and overhead at their defaults add nothing to the tree of a calling metric."""
    assert "recompute" not in str([repr(e) for e in leaves(get("TRAIN_COST").tree)])


def test_only_bare_ones_and_zeros_are_dropped():
    x, one = var("x"), Const("ONE", 1.0)
    assert (x * 1, x / 1.0, x + 0, 0.0 + x, x - 0, 1 * x, +x) == (x,) * 7
    assert (x * one).op == "*"
    assert (1 - x).op == "-"
    assert (0 - x).op == "-"


def test_a_declaration_without_unit_or_help_is_refused():
    with pytest.raises(TypeError, match=r"bad\(x\): annotate it with an alias"):

        @metric("USD")
        def bad(x: float) -> Usd:
            """Bad."""
            return x

    with pytest.raises(TypeError, match=r"bad2\(x\): the docstring's Args do not explain it"):

        @metric("USD")
        def bad2(x: Usd) -> Usd:
            """Bad."""
            return x

    with pytest.raises(TypeError, match="must have the declared unit 'h'"):

        @metric("h")
        def bad3(x: Usd) -> Usd:
            """Bad.

            Args:
                x: A thing.
            """
            return x

    assert not {"BAD", "BAD2", "BAD3"} & set(REGISTRY)


def test_operations_on_numbers_arrays_and_expressions():
    assert ops.minimum(3, 1, 2) == 1
    assert ops.maximum(np.array([1, 5]), 3, 2).tolist() == [3, 5]
    assert ops.roundup(16.000000000000004) == 16
    assert ops.roundup(np.array([16.000000000000004, 16.1])).tolist() == [16, 17]
    assert ops.rounddown(15.9999999999999) == 16
    assert (ops.roundup(-6.2), ops.rounddown(-6.2)) == (-7, -6)
    assert ops.roundup(np.array([-6.2])).tolist() == [-7]
    assert ops.expm1(1e-12) == math.expm1(1e-12)
    assert ops.where(np.array([True, False]), 1, 2).tolist() == [1, 2]
    assert ops.where(True, 1, 2) == 1
    assert isinstance(ops.minimum(1.0, var("x")), Expr)
    assert ops.choose(np.array(["a", "B"], dtype=object), {"a": 1.0, "b": 2.0}).tolist() == [1, 2]
    with pytest.raises(TraceError, match="operation 'nonsense' cannot be evaluated"):
        ops.evaluate(Expr("nonsense", 1.0), {})
