"""What several tests need: engines, and the skip that says why.

Tests marked unmeasured run the same lines over every template or thousands of rows; measuring their coverage would take
two thirds of their time, and what they reach is reached, and measured, by tests of one case.
"""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from xl_econ.workbook.recalc import libreoffice

os.environ.pop("XL_ECON_RATE_CARD", None)  # the tests are about the shipped tables
os.environ["XL_ECON_STRICT"] = "1"  # a check of the audit that fails, fails the test


PREPARED = Path(os.environ.get("XL_ECON_PYODIDE", Path(__file__).parents[1] / "build" / "pyodide"))
PYODIDE = PREPARED / "node_modules" / "pyodide"
IN_CI = os.environ.get("CI") == "true"


def pytest_collection_modifyitems(items):
    """What a machine lacks, its tests are skipped with the reason; in CI LibreOffice's and Chromium's must run."""
    lacking = {}
    if not libreoffice() and not IN_CI:
        lacking["libreoffice"] = "LibreOffice is not installed (Debian: libreoffice-calc-nogui, python3-uno)"
    if not (shutil.which("chromedriver") and find_spec("selenium")) and not IN_CI:
        lacking["browser"] = "no browser (Debian: apt-get install chromium chromium-driver; pip install selenium)"
    if not shutil.which("node"):
        lacking["pyodide"] = "Node is not installed"
    elif not PYODIDE.exists() and not IN_CI:
        lacking["pyodide"] = "Pyodide is not there; make pyodide fetches it"
    for item in items:
        for marker, reason in lacking.items():
            if marker in item.keywords:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """Coverage rests in a test marked unmeasured; pytest-cov's no_cover leaves on what measures its workers."""
    tracer = sys.gettrace()
    rests = "unmeasured" in item.keywords and type(tracer).__module__.startswith("coverage")
    if rests:
        sys.settrace(None)
    yield
    if rests:
        sys.settrace(tracer)


ENGINES = ["ironcalc", pytest.param("libreoffice", marks=pytest.mark.libreoffice)]


@pytest.fixture
def case_file(tmp_path):
    """The case of a sweep, as a file."""
    from sweep_case import TOML

    path = tmp_path / "case.toml"
    path.write_text(TOML)
    return path
