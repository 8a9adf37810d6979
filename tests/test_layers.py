"""The floors of the architecture, and what an import costs."""

import argparse
import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from xl_econ import cli


def test_a_module_imports_only_from_its_own_floor_or_below():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def loaded(code, *modules):
    script = f"import sys\n{code}\nprint([m for m in {modules!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip()


HEAVY = ("numpy", "pandas", "pydantic", "openpyxl", "xlsxwriter", "xlwings", "ironcalc", "yaml")


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import xl_econ", HEAVY),
        ("import xl_econ; xl_econ.train_cost(37, 14.8, 989.4, 0.389, 2)", HEAVY),
        ("import xl_econ; xl_econ.gpu_spec('H100', 'bf16')", ("numpy", "pandas", "openpyxl", "xlwings")),
        ("from xl_econ.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass", HEAVY),
        ("from xl_econ.cli import main; main(['calc', 'TRAIN_DAYS', '24', '1'])", HEAVY),
        ("from xl_econ.templates import build", ("pandas", "xlwings")),
    ],
)
def test_light_imports(code, heavy):
    assert loaded(code, *heavy).endswith("[]")


def test_help_imports_no_command():
    code = "from xl_econ.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert loaded(code, "xl_econ.commands", "xl_econ.metrics", "xl_econ.tables").endswith("[]")


def test_every_command_is_where_the_table_says():
    [commands] = [a.choices for a in cli._parser()._actions if isinstance(a, argparse._SubParsersAction)]
    assert list(commands) == list(cli._COMMANDS)
    for place in cli._COMMANDS.values():
        module, _, function = place.partition(":")
        assert callable(getattr(importlib.import_module(f"xl_econ.commands.{module}"), function)), place


def test_xlwings_is_imported_by_the_udf_host_alone():
    assert loaded("import xl_econ.hosts.udf", "xlwings") == "['xlwings']"
    every = "import xl_econ.cli, xl_econ.templates.batch, xl_econ.hosts.reference, xl_econ.hosts.names"
    assert loaded(every, "xlwings") == "[]"


PAID = ("pro", "server", "reports", "ext")


def test_nothing_of_ours_imports_what_xlwings_sells():
    """xlwings itself is BSD; its `pro` and what builds on it are not, and need a key."""
    root = Path(__file__).parents[1]
    sources = [p for folder in ("xl_econ", "docs", "bench", "tests") for p in (root / folder).rglob("*.py")]
    assert len(sources) > 150
    found = []
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [a.name for a in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{a.name}" for a in node.names]
            found += [(path.name, n) for n in names if n.startswith("xlwings.") and n.split(".")[1] in PAID]
    assert found == []


def test_xlwings_loads_nothing_that_it_sells_for_us():
    code = "import xl_econ.hosts.udf, xl_econ.addin.macros; from xl_econ.addin import excel; excel.open_book"
    paid = tuple(f"xlwings.{name}" for name in PAID)
    assert loaded(code, *paid) == "[]"
