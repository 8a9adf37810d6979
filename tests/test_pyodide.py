"""The functions in Pyodide, which is what xlwings Lite runs: no numpy, no pandas, the same numbers."""

import json
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import PREPARED, PYODIDE
from support import close
from test_vectors import VECTORS

from xl_econ.core.errors import XlEconError
from xl_econ.hosts.python import function
from xl_econ.metrics import REGISTRY

ROOT = Path(__file__).parents[1]
LITE = ROOT / "docs" / "examples" / "xlwings_lite.py"


def answer(name, arguments):
    try:
        return function(name)(**arguments)
    except XlEconError as e:
        return e.cell


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """What the functions need in Pyodide, and xl-econ's own wheel."""
    folder = tmp_path_factory.mktemp("pyodide") / "wheels"
    shutil.copytree(PREPARED / "wheels", folder)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    return folder


@pytest.mark.pyodide
@pytest.mark.slow
def test_the_vectors_and_every_function_in_pyodide(wheels, tmp_path):
    examples = [(m.name, {n: p.example for n, p in m.params.items() if not p.optional}) for m in REGISTRY.values()]
    calls = [(name, arguments) for name, arguments, _ in VECTORS] + examples
    (tmp_path / "calls.json").write_text(json.dumps(calls))
    script = Path(__file__).with_name("pyodide_vectors.mjs")
    command = ["node", str(script), str(PYODIDE), str(wheels), str(tmp_path / "calls.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["platform"] == "emscripten"
    assert found["heavy"] == []
    published, rest = found["values"][: len(VECTORS)], found["values"][len(VECTORS) :]
    for (name, arguments, value), got in zip(VECTORS, published, strict=True):
        assert close(got, value), (name, arguments, got, value)
    for (name, arguments), got in zip(examples, rest, strict=True):
        assert close(got, answer(name, arguments)), (name, arguments, got)


@pytest.mark.pyodide
@pytest.mark.slow
def test_the_example_for_xlwings_lite_in_pyodide(wheels):
    script = Path(__file__).with_name("pyodide_lite.mjs")
    done = subprocess.run(
        ["node", str(script), str(PYODIDE), str(wheels), str(LITE)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    check_lite(found["econ"], found["own"], found["steps"])
    assert found["heavy"] == []


def check_lite(cost, own, steps):
    # 6 * 405e9 * 15.6e12 / (989.4e12 * 0.41 * 3600) * 2.5
    assert close(cost, 6 * 405e9 * 15.6e12 / (989.4e12 * 0.41 * 3600) * 2.5)
    assert close(own, cost / 0.9)
    assert steps[0] == ["step", "formula", "value", "unit"]
    assert (steps[-1][0], steps[-1][2], steps[-1][3]) == ("TRAIN_COST", cost, "USD")


def test_the_example_for_xlwings_lite():
    """Here xlwings' decorators do nothing, and the functions are plain Python."""
    main = runpy.run_path(str(LITE))
    cost = (405, 15.6, 989.4, 0.41, 2.5)
    check_lite(
        main["econ"]("TRAIN_COST", *cost), main["run_cost"](*cost, 0.9), main["econ_explain"]("TRAIN_COST", *cost)
    )
    assert main["econ"]("train_cost", *cost, None) == main["econ"]("TRAIN_COST", *cost)


def test_nothing_that_pyodide_lacks_is_required_there():
    """xlwings Lite installs from requirements.txt with all that a package requires; IronCalc is no pure Python."""
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert [r for r in required if r.startswith("ironcalc")] == ["ironcalc==0.9.1; sys_platform != 'emscripten'"]
