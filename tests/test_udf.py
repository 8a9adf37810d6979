"""The UDF host: what Excel hands over and what it gets back, through the adapters that xlwings registers."""

import inspect
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from xl_econ import __version__
from xl_econ.core.errors import InputError
from xl_econ.hosts import udf
from xl_econ.hosts.marshal import incoming, outgoing
from xl_econ.metrics import REGISTRY

COST = 4742645.6514460305
ARGS = (37.0, 14.8, 989.4, 0.389, 2.0)


@pytest.mark.parametrize("m", REGISTRY.values(), ids=lambda m: m.name)
def test_every_metric_has_an_adapter_with_its_signature(m):
    f = getattr(udf, m.name)
    parameters = inspect.signature(f).parameters
    assert list(parameters) == list(m.params)
    for name, p in m.params.items():
        assert (parameters[name].default is inspect.Parameter.empty) == (not p.optional)
        assert parameters[name].annotation is inspect.Parameter.empty  # xlwings would convert by it
    assert f.__doc__ == m.doc.summary


def cell(name, *args):
    """What a single cell shows."""
    [[value]] = udf.CALL((name, *args))
    return value


def test_values_as_excel_hands_them_over():
    assert cell("TRAIN_COST", *ARGS) == COST
    assert cell("TRAIN_COST", 37, 14.8, 989.4, 0.389, 2, None, "") == COST, "blank optional arguments take the default"
    column = udf.TRAIN_COST(((37.0,), (None,), (-2146826246,), ("x",), (7e10,), (True,)), *ARGS[1:])
    assert column == [[COST], ["#VALUE!"], ["#N/A"], ["#VALUE!"], ["#NUM!"], ["#VALUE!"]]
    grid = udf.TRAIN_COST(((37.0,), (70.0,)), 14.8, 989.4, ((0.3, 0.4),), 2.0)
    assert (len(grid), len(grid[0])) == (2, 2)
    assert cell("TRAIN_COST", *ARGS[:4], -2146826281) == "#DIV/0!"
    assert cell("TRAIN_COST", *ARGS[:4], -2146826243) == "#SPILL!"
    assert type(cell("CLUSTER_SIZE", 1000, 1)) is float


def test_errors_in_a_long_column_stay_where_they_are():
    params = [37.0] * 5000
    params[0], params[2500], params[4999] = None, "x", -2146826246
    column = udf.TRAIN_COST(tuple((p,) for p in params), *ARGS[1:])
    wrong = {n: v for n, [v] in enumerate(column) if v != COST}
    assert wrong == {0: "#VALUE!", 2500: "#VALUE!", 4999: "#N/A"}


def test_what_comes_in():
    assert incoming(-2146826288) == "#NULL!"
    assert incoming(-2146826238) == "#CALC!"
    assert incoming(-2146826230) == "#VALUE!", "an error that Excel may have some day"
    assert incoming(-2147352572) is None
    assert incoming(3) == 3.0
    assert incoming(((1.0, 2.0), (3.0, 4.0))).tolist() == [[1, 2], [3, 4]]
    assert incoming((1.0, "x")) == [[1.0, "x"]]
    assert incoming(((None, True), (-2146826246, 5))) == [[None, True], ["#N/A", 5.0]]
    for wrong in (Decimal("2.0000"), ((1.0,), (1.0, 2.0)), (), ((Decimal(1),),)):
        with pytest.raises(InputError):
            incoming(wrong)


def test_what_goes_out():
    assert outgoing(3) == [[3.0]]
    assert outgoing([1, "x"]) == [[1.0, "x"]]
    assert outgoing(np.array([1.0, 2.0])) == [[1.0, 2.0]]
    assert outgoing(np.array([[1.0], [np.inf]])) == [[1.0], ["#NUM!"]]
    assert outgoing(np.array([[1.0, "#N/A", None, True]], dtype=object)) == [[1.0, "#N/A", "", True]]
    assert outgoing([["x" * 40_000]]) == [["#VALUE!"]]


def test_look_ups():
    assert cell("GPU_SPEC", "H100", "bf16") == 989.4
    assert cell("GPU_SPEC", "H100", "vendor") == "NVIDIA"
    assert cell("GPU_SPEC", "H10O", "bf16") == "#N/A"
    header = ("accelerator", "vendor", "bf16", "hbm_gb", "hbm_tbps", "launch", "source", "as_of", "grade")
    own = (header, ("Chip", "us", 500.0, 64.0, 2.0, "2026", "sheet", "2026", "A"))
    assert udf.GPU_SPEC((("Chip",), ("Other",)), "bf16", own) == [[500.0], ["#N/A"]]


def test_why_tells_the_reason(monkeypatch):
    cell("TRAIN_COST", 37, 14.8, 989.4, 41, 2)
    assert udf.WHY(1) == [["TRAIN_COST: mfu = 41: write 0.41 or 41%"]]
    assert len(udf.WHY()) <= 10
    assert cell("NO_SUCH") == "#NAME?"
    assert "different versions" in cell("WHY", 1)
    monkeypatch.setitem(udf.FUNCTIONS, "WHY", lambda *_: 1 / 0)
    assert cell("WHY") == "#VALUE!", "no traceback in a cell"
    assert "ZeroDivisionError" in udf.WHY(1)[0][0]


def test_explain_spills_the_steps():
    rows = udf.EXPLAIN("train_cost", *ARGS)
    assert rows[0] == ["step", "formula", "value", "unit"]
    assert rows[-1] == ["TRAIN_COST", "gpu_hours * usd_per_gpu_hour * (1 + overhead)", COST, "USD"]
    assert {len(r) for r in rows} == {4}
    assert cell("EXPLAIN", "TRAIN_COTS") == "#N/A"
    assert cell("EXPLAIN", "TRAIN_COST", 37, 14.8, 989.4, 41, 2) == "#NUM!"
    assert cell("XL_ECON_VERSION") == __version__


def test_through_the_real_server():
    """Every function through xlwings' own dispatch, with all that Excel may hand over (com_dispatch.py)."""
    script = Path(__file__).with_name("com_dispatch.py")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_the_oracle_refuses_what_excel_shows_wrong():
    script = """
import numpy as np
from datetime import date
from decimal import Decimal
from fake_pywin32 import refused
wrong = [1, 2**40, None, float("nan"), float("inf"), Decimal(1), date(2026, 1, 1), np.float64(1), np.bool_(1),
         [], [[]], [[1.0], [1.0, 2.0]], [1.0, [2.0]], [[[1.0]]], {1.0}, "x" * 40000]
assert all(refused(w) for w in wrong), [w for w in wrong if not refused(w)]
right = [1.0, True, "", "#N/A", [1.0, "x"], [[1.0, 2.0], ["", False]]]
assert not any(refused(r) for r in right), [r for r in right if refused(r)]
"""
    folder = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
