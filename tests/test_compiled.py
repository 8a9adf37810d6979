"""Many workbooks at once: what the compiled template writes is what the builder writes, and both are right."""

import json
import random
import zipfile

import pytest

from xl_econ import cli
from xl_econ.templates import batch, build, compiled, compute, fill, layout
from xl_econ.templates.edited import Edited
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.patch import patch
from xl_econ.workbook.recalc import recalculate, same

TEMPLATE = layout.load("training_budget")
LLAMA = layout.folder() / "cases" / "llama_3_1_405b.toml"
SETTINGS = [
    [],
    ["case=high", "mfu=0.3333333333333333", "purpose==1+1 <&>", "owner=Me"],
    ["gpus=1000", "Low.usd_per_gpu_hour=1.0000000000000002", "budget_usd=12e6", "High.mfu=0.05", "case=low"],
    ["reference_run=GPT-3", "gpu=A100", "precision=fp16"],
    ["pue=1.1", "load=1e-7", "failures_per_gpu_hour=1e-5"],
]


def cells(path):
    """Every cell with what it holds, and the parts that have none."""
    book = Parts(path)
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        parts = {n: package.read(n) for n in package.namelist()}
    found = {}
    for name, part in book.parts.items():
        sheet = book.sheet(name)
        del parts[part]
        for cell in sheet.cells():
            value = sheet.stored(cell, book.shared)
            # An empty text and an empty cell are the same to everyone who looks.
            found[name, cell.at] = (None if value == "" else value, sheet.formula(cell))
    return found, parts


@pytest.mark.parametrize("flavour", build.FLAVOURS)
def test_the_same_as_built(flavour, tmp_path):
    blank = compiled.Blank(TEMPLATE, flavour)
    llama = fill.read(LLAMA, TEMPLATE)[0]
    for n, settings in enumerate(SETTINGS):
        case = fill.with_settings(llama if n % 2 else fill.Case("x"), settings, TEMPLATE)
        model = fill.model(TEMPLATE, case)
        build.build(model, tmp_path / "built.xlsx", flavour, case.texts)
        quick = blank.calculator(case)
        assert quick == compute.computed(model, case.texts)
        blank.write(quick, tmp_path / "quick.xlsx")
        (a, a_parts), (b, b_parts) = cells(tmp_path / "built.xlsx"), cells(tmp_path / "quick.xlsx")
        assert a == b
        assert list(a_parts) == list(b_parts)
        assert {n for n in a_parts if a_parts[n] != b_parts[n]} <= {"xl/sharedStrings.xml"}


def test_random_cases_are_as_recalculated(tmp_path):
    blank, rng = compiled.Blank(TEMPLATE), random.Random(7)
    for _ in range(5):
        settings = [f"params_b={rng.uniform(1, 900)}", f"mfu={rng.uniform(0.2, 0.5)}", f"gpus={rng.randint(8, 9999)}"]
        case = fill.with_settings(fill.Case("x"), settings, TEMPLATE)
        blank.write(blank.calculator(case), tmp_path / "q.xlsx")
        found = recalculate(tmp_path / "q.xlsx")
        for at, f in Parts(tmp_path / "q.xlsx").formulas():
            assert same(f.value, found[at], 1e-12), at


def test_what_cannot_be_computed_says_the_same():
    calculator = compute.Calculator(TEMPLATE)
    for settings in (["mfu=41"], ["gpu=H10O"], ["gpu=V100"], ["gpus=1e9", "failures_per_gpu_hour=1"]):
        case = fill.with_settings(fill.Case("x"), settings, TEMPLATE)
        with pytest.raises(Exception) as full:
            fill.model(TEMPLATE, case, "f")
        with pytest.raises(type(full.value)) as quick:
            calculator(case, "f")
        assert str(full.value) == str(quick.value)
