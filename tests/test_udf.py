"""The UDF host: what Excel hands over and what it gets back, through the adapters that xlwings registers."""

import inspect

import pytest

from xl_econ import __version__
from xl_econ.hosts import udf
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


def test_values_as_excel_hands_them_over():
    assert udf.TRAIN_COST(*ARGS) == COST
    assert udf.TRAIN_COST(37, 14.8, 989.4, 0.389, 2, None, "") == COST, "blank optional arguments take the default"
    column = udf.TRAIN_COST(((37.0,), (None,), (-2146826246,), ("x",), (7e10,), (True,)), *ARGS[1:])
    assert column == [[COST], ["#VALUE!"], ["#N/A"], ["#VALUE!"], ["#NUM!"], ["#VALUE!"]]
    grid = udf.TRAIN_COST(((37.0,), (70.0,)), 14.8, 989.4, ((0.3, 0.4),), 2.0)
    assert (len(grid), len(grid[0])) == (2, 2)
    assert udf.TRAIN_COST(*ARGS[:4], -2146826281) == "#DIV/0!"
    assert udf.TRAIN_COST(*ARGS[:4], -2146826243) == "#SPILL!"
    assert type(udf.CLUSTER_SIZE(1000, 1)) is float


def test_look_ups():
    assert udf.GPU_SPEC("H100", "bf16") == 989.4
    assert udf.GPU_SPEC("H100", "vendor") == "NVIDIA"
    assert udf.GPU_SPEC("H10O", "bf16") == "#N/A"
    header = ("accelerator", "vendor", "bf16", "hbm_gb", "hbm_tbps", "launch", "source", "as_of", "grade")
    own = (header, ("Chip", "us", 500.0, 64.0, 2.0, "2026", "sheet", "2026", "A"))
    assert udf.GPU_SPEC((("Chip",), ("Other",)), "bf16", own) == [[500.0], ["#N/A"]]


def test_why_tells_the_reason():
    udf.TRAIN_COST(37, 14.8, 989.4, 41, 2)
    assert udf.WHY(1) == [["TRAIN_COST: mfu = 41: write 0.41 or 41%"]]
    assert len(udf.WHY()) <= 10


def test_explain_spills_the_steps():
    rows = udf.EXPLAIN("train_cost", *ARGS)
    assert rows[0] == ["step", "formula", "value", "unit"]
    assert rows[-1] == ["TRAIN_COST", "gpu_hours * usd_per_gpu_hour * (1 + overhead)", COST, "USD"]
    assert {len(r) for r in rows} == {4}
    assert udf.EXPLAIN("TRAIN_COTS") == "#N/A"
    assert udf.EXPLAIN("TRAIN_COST", 37, 14.8, 989.4, 41, 2) == "#NUM!"
    assert udf.XL_ECON_VERSION() == __version__


def test_registered_with_the_real_decorators(tmp_path):
    """xlwings' decorators do nothing outside Windows and macOS, so its own UDF module is loaded under a stand-in."""
    import subprocess
    import sys
    from pathlib import Path

    script = Path(__file__).with_name("registered.py")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == sorted([*REGISTRY, "EXPLAIN", "WHY", "XL_ECON_VERSION"])
