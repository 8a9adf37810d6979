"""Every metric's traced unit is the declared one, and a forgotten constant is found."""

import pytest

from xl_econ.core import units
from xl_econ.core.errors import UnitError
from xl_econ.core.expr import Const, Expr, var
from xl_econ.core.ops import choose, exp, roundup, sqrt, where
from xl_econ.core.registry import trace
from xl_econ.metrics import REGISTRY
from xl_econ.tables.store import TABLES


def _is_text(step):
    """Whether a step picks one of several text columns."""
    return step.op == "choose" and all(o.op == "lookup" and o.args[0].unit(o.args[2]) == "text" for o in step.args[2:])


@pytest.mark.parametrize("m", REGISTRY.values(), ids=lambda m: m.name)
def test_declared_unit_is_the_traced_one(m):
    units.check(m.name, m.unit, m.tree, m.units)
    for step, unit in m.step_units():
        assert unit or step.op in ("segment", "lookup", "join") or _is_text(step), (
            f"{m.name}: step {step.name} has no unit"
        )


def test_a_forgotten_3600_is_an_error():
    hours, seconds = var("hours"), var("seconds")
    env = {"hours": "h", "seconds": "s"}
    with pytest.raises(UnitError, match=r"step 'total': \+ of h and s"):
        root = trace(lambda: _named(hours + seconds), {})
        units.unit_of(root, env)
    assert units.unit_of(hours * units.SECONDS_PER_HOUR + seconds, env) == {"s": 1}


def _named(e):
    e.name = "total"
    return e


def test_a_forgotten_scale_is_an_error():
    watts = var("watts")
    with pytest.raises(UnitError, match="declared in kWh but its body yields W\\*h"):
        units.check("ENERGY", "kWh", watts * var("hours"), {"watts": "W", "hours": "h"})
    units.check("ENERGY", "kWh", watts * var("hours") / units.KILO, {"watts": "W", "hours": "h"})


@pytest.mark.parametrize(
    ("build", "unit"),
    [
        (lambda x, y: x * y, "USD*h"),
        (lambda x, y: x / y, "USD/h"),
        (lambda x, y: x / y**2, "USD/h2"),
        (lambda x, y: sqrt(x * x), "USD"),
        (lambda x, y: roundup(x), "USD"),
        (lambda x, y: where(y > 0, x, 0), "USD"),
        (lambda x, y: -x + 0 * x, "USD"),
        (lambda x, y: exp(x / x), "ratio"),
        (lambda x, y: 2.0 ** (x / x), "ratio"),
    ],
)
def test_algebra(build, unit):
    assert units.show(units.unit_of(build(var("x"), var("y")), {"x": "USD", "y": "h"})) == unit


@pytest.mark.parametrize(
    "build",
    [
        lambda x, y: x + y,
        lambda x, y: where(x > y, 1.0, 2.0),
        lambda x, y: exp(x),
        lambda x, y: x**y,
        lambda x, y: 2.0**x,
        lambda x, y: choose(var("k"), {"a": x, "b": y}),
        lambda x, y: x + 1,
    ],
)
def test_clashes(build):
    with pytest.raises(UnitError):
        units.unit_of(build(var("x"), var("y")), {"x": "USD", "y": "h", "k": "text"})


def test_parse_and_show():
    assert units.parse("USD/GPU-h") == {"USD": 1, "GPU": -1, "h": -1}
    assert units.show(units.parse("USD/kWh")) == "USD/kWh"
    assert units.show({"B": 1, "param": 1}) == "Bparam"
    with pytest.raises(UnitError, match="cannot read '2x'"):
        units.parse("2x/h")
    assert units.unit_of(Const("K", 3, "h"), {}) == {"h": 1}


def test_a_look_up_has_the_unit_of_its_column():
    table = TABLES["accelerators"]
    assert units.unit_of(table.lookup(var("gpu"), "hbm_tbps"), {}) == units.parse("TB/s/GPU")
    assert units.unit_of(table.lookup(var("gpu"), "vendor"), {}) is None
    assert isinstance(table.lookup(var("gpu"), var("field")), Expr)
