"""The functions in Pyodide, which is what xlwings Lite runs: no numpy, no pandas, the same numbers."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PREPARED, PYODIDE
from support import close
from test_vectors import VECTORS

from xl_econ.core.errors import XlEconError
from xl_econ.hosts.python import function
from xl_econ.metrics import REGISTRY

ROOT = Path(__file__).parents[1]


def answer(name, arguments):
    try:
        return function(name)(**arguments)
    except XlEconError as e:
        return e.cell


@pytest.mark.pyodide
@pytest.mark.slow
def test_the_vectors_and_every_function_in_pyodide(tmp_path):
    wheels = tmp_path / "wheels"
    shutil.copytree(PREPARED / "wheels", wheels)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
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
