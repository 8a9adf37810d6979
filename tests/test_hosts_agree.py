"""One definition, every host, one number: every registered metric, by construction."""

import contextlib
import math

import numpy as np
import pandas as pd
import pytest
from conftest import ENGINES
from support import ERRORS, Sheet, close, random_inputs

from xl_econ.core.errors import TraceError, XlEconError
from xl_econ.core.expr import Unavailable, leaves, steps
from xl_econ.core.ops import evaluate
from xl_econ.hosts import cells, udf
from xl_econ.hosts.python import CHUNK_ROWS, function
from xl_econ.metrics import REGISTRY
from xl_econ.printers import excel
from xl_econ.printers.excel import step_names
from xl_econ.tables.store import RATE_CARD

METRICS = list(REGISTRY.values())
NUMERIC = [m for m in METRICS if m.unit != "any"]
BROADCAST = [m for m in NUMERIC if m.elements]  # the others take lists only, and give one number for them
ROWS = 20
DRAWN = 2_000  # rows for the array call, which is given them so many times that they fill more than one chunk


def answer(m, inputs):
    """The Python result, or the error value that a cell would show."""
    try:
        return function(m.name)(**inputs)
    except XlEconError as e:
        return e.cell


@pytest.mark.parametrize("m", METRICS, ids=lambda m: m.name)
def test_udf_and_tree_give_the_python_number(m):
    for inputs in random_inputs(m, 200):
        expected = answer(m, inputs)
        assert close(getattr(udf, m.name)(*inputs.values())[0][0], expected)
        if not isinstance(expected, str):
            assert close(evaluate(m.tree, inputs), expected, 1e-15)


@pytest.mark.unmeasured
@pytest.mark.parametrize("m", BROADCAST, ids=lambda m: m.name)
def test_arrays_give_the_numbers_of_floats(m):
    rows = random_inputs(m, DRAWN, seed=1)
    lists = {k: v for k, v in rows[0].items() if k not in m.elements}  # taken whole: the same for every row
    rows = [row | lists for row in rows]
    floats = [answer(m, r) for r in rows]
    good = [n for n, x in enumerate(floats) if not isinstance(x, str)]
    # What may not exist (a model that does not fit) is not there for many random inputs; the rest hardly ever fails.
    may_lack = any(isinstance(e, Unavailable) for e in leaves(m.tree))
    # Not every model has a price of cached input.
    assert len(good) > (0.3 if may_lack else 0.8) * DRAWN
    good *= 1 + math.ceil(CHUNK_ROWS / len(good))
    columns = {k: [rows[n][k] for n in good] for k in m.elements}
    arrays = {k: np.array(v, dtype=object if isinstance(v[0], str) else float) for k, v in columns.items()}
    expected = np.array([floats[n] for n in good])
    f = function(m.name)
    np.testing.assert_allclose(f(**lists, **arrays), expected, rtol=1e-12)
    index = [f"row {n}" for n in range(len(good))]
    series = {k: pd.Series(v, index=index) for k, v in arrays.items()}
    found = f(**lists, **series)
    assert list(found.index) == index
    np.testing.assert_allclose(found.to_numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(f(**lists, **{k: v[:50] for k, v in columns.items()}), expected[:50], rtol=1e-12)


@pytest.fixture(scope="module", params=ENGINES)
def computed(request, tmp_path_factory):
    """Every metric over random rows as one cell, as steps, and (IronCalc) as LET and LAMBDA, computed by an engine."""
    engine = request.param
    sheet = Sheet(tmp_path_factory.mktemp("hosts") / f"{engine}.xlsx", lambdas=engine == "ironcalc")
    wanted = []
    for m in METRICS:
        for inputs in random_inputs(m, ROWS, seed=2):
            refs = {k: sheet.reference(v) for k, v in inputs.items()}
            expected = answer(m, inputs)
            with contextlib.suppress(TraceError):  # too long for one cell: its steps, LET and LAMBDA stand for it
                wanted.append((m, "cell", sheet.formula(excel.formula(m.tree, refs)), expected))
            if engine == "ironcalc":
                wanted.append((m, "let", sheet.formula(excel.let(m.tree, refs, file=True)), expected))
                call = f"{m.name}({','.join(refs.values())})"
                wanted.append((m, "lambda", sheet.formula(call, dynamic=True), expected))
            if not isinstance(expected, str):
                first = sheet.row + 1
                names = step_names(m.tree) | {id(m.tree): m.name}
                found = cells.rows(m.tree, refs, inputs, m.units, lambda i, first=first: f"A{first + i}", names)
                wanted += [(m, row.name, sheet.formula(row.formula), row.value) for row in found]
    values = sheet.compute(engine)
    return [(m, how, values[cell], expected) for m, how, cell, expected in wanted]


@pytest.mark.parametrize("m", METRICS, ids=lambda m: m.name)
def test_cells_let_and_lambda_give_the_python_number(m, computed):
    rows = [(how, value, expected) for metric, how, value, expected in computed if metric is m]
    assert len(rows) >= ROWS
    for how, value, expected in rows:
        if expected in ERRORS:
            assert value in ERRORS, (how, value, expected)
        else:
            assert close(value, expected), (how, value, expected)


def test_every_metric_is_covered():
    assert len(METRICS) >= 18
    assert all(steps(m.tree)[-1] is m.tree for m in METRICS)
    assert {t.name for m in METRICS for t in m.tables} == set(RATE_CARD)
    assert not any(math.isnan(x) for m in NUMERIC for x in [answer(m, random_inputs(m, 1)[0])] if isinstance(x, float))
