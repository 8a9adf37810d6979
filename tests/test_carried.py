"""The summary filled from other templates' workbooks: their very numbers, their file as the source, no links."""

import json
import zipfile

import openpyxl
import pytest

from xl_econ import cli
from xl_econ.templates import build, fill, layout
from xl_econ.workbook.read import formulas
from xl_econ.workbook.recalc import differences, recalculate

TAKEN = {
    "training_budget": ("program_stated", "program_usd", ["Low.mfu=0.5", "gpus=512"]),
    "inference_unit_economics": ("cost_stated", "cost_usd_mtok", ["usd_per_gpu_hour=3.1"]),
    "gpu_buy_vs_rent": ("owned_stated", "owned_usd_hour", ["High.gpu_usd=28000"]),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder, models = tmp_path_factory.mktemp("filled"), {}
    for name, (_, _, settings) in TAKEN.items():
        template = layout.load(name)
        models[name] = fill.model(template, fill.with_settings(fill.Case(name), settings, template))
        build.build(models[name], folder / f"{name}.xlsx")
    return folder, models


def run(args, capsys):
    code = cli.main([str(a) for a in args])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_the_summary_takes_the_results_of_three_workbooks(filled, tmp_path, capsys):
    folder, models = filled
    path = tmp_path / "summary.xlsx"
    sources = [x for name in TAKEN for x in ("--from", folder / f"{name}.xlsx")]
    code, printed, _ = run(["fill", "exec_summary", *sources, "-o", path, "--json"], capsys)
    assert code == 0
    assert "program_stated" not in json.loads(printed)["own"]
    book = openpyxl.load_workbook(path, data_only=True)["Inputs"]
    rows = {r[14].value: r for r in book.iter_rows(min_row=9) if r[14].value}
    for name, (key, result, _) in TAKEN.items():
        for case, column in (("Base", 4), ("Low", 5), ("High", 6)):
            assert rows[key][column].value == models[name].value(result, case)
        assert rows[key][10].value.startswith(f"{name}.{result} of {name}.xlsx, inputs ")
    shown = openpyxl.load_workbook(path, data_only=True)["Results"]
    results = {r[1].value: r[4].value for r in shown.iter_rows(min_row=5, max_row=20)}
    assert results["Training programme"] == models["training_budget"].value("program_usd", "Base")
    assert list(differences(formulas(path), recalculate(path), 1e-12)) == []
    assert not [n for n in zipfile.ZipFile(path).namelist() if "externalLink" in n]


def test_what_a_case_says_itself_stands(filled, tmp_path, capsys):
    folder, _ = filled
    path = tmp_path / "s.xlsx"
    told = ["--from", folder / "training_budget.xlsx", "--set", "program_stated=5e6"]
    assert run(["fill", "exec_summary", *told, "-o", path], capsys)[0] == 0
    assert openpyxl.load_workbook(path, data_only=True)["Results"]["E6"].value == 5e6


def test_results_are_found_where_rows_and_columns_were_inserted(filled, tmp_path, capsys):
    """As Excel moves them: the cells, and the name with them."""
    folder, models = filled
    moved = tmp_path / "moved.xlsx"
    book = openpyxl.load_workbook(folder / "training_budget.xlsx", data_only=True)
    at = book.defined_names["results.program_usd"].attr_text.split("!")[1].replace("$", "")
    row = int(at[1:])
    book["Results"].insert_rows(1, 2)
    book["Results"].insert_cols(5)  # between the live case and the others
    book.defined_names["results.program_usd"].attr_text = f"Results!$D${row + 2}"
    book.save(moved)
    path = tmp_path / "s.xlsx"
    assert run(["fill", "exec_summary", "--from", moved, "-o", path], capsys)[0] == 0
    inputs = openpyxl.load_workbook(path, data_only=True)["Inputs"]
    [found] = [r for r in inputs.iter_rows(min_row=9) if r[14].value == "program_stated"]
    wanted = [models["training_budget"].value("program_usd", case) for case in ("Base", "Low", "High")]
    assert [found[n].value for n in (4, 5, 6)] == pytest.approx(wanted, rel=1e-14)  # openpyxl rounds


def test_what_cannot_be_carried(filled, tmp_path, capsys):
    folder, _ = filled
    training, path = folder / "training_budget.xlsx", tmp_path / "s.xlsx"
    fleet = tmp_path / "fleet.xlsx"
    build.build(fill.model(layout.load("fleet_plan"), fill.Case("x")), fleet)
    said = "exec_summary takes results of gpu_buy_vs_rent, inference_unit_economics, training_budget"
    for args, code, text in (
        (["exec_summary", "--from", fleet], 3, f"a workbook of fleet_plan; {said}"),
        (["exec_summary", "--from", training, "--from", training], 3, "a second workbook of training_budget"),
        (["fleet_plan", "--from", training], 3, "fleet_plan takes no results of other workbooks"),
        (["exec_summary", "--from", tmp_path / "none.xlsx"], 4, "none.xlsx"),
        ([training, "--from", training], 2, "--from is for templates"),
    ):
        found, _, err = run(["fill", *args, "-o", path], capsys)
        assert (found, text in err, err.count("\n")) == (code, True, 1), err
        assert not path.exists()
    book = openpyxl.load_workbook(training)  # without stored values
    book.save(tmp_path / "bare.xlsx")
    code, _, err = run(["fill", "exec_summary", "--from", tmp_path / "bare.xlsx", "-o", path], capsys)
    assert (code, "is None, no number for program_stated" in err) == (3, True)
    book["Results"]["E4"] = "Plan"
    book.save(tmp_path / "headless.xlsx")
    code, _, err = run(["fill", "exec_summary", "--from", tmp_path / "headless.xlsx", "-o", path], capsys)
    assert (code, "no headings Base, Low, High above Results!" in err) == (3, True)
    del book.defined_names["results.program_usd"]
    book.save(tmp_path / "nameless.xlsx")
    code, _, err = run(["fill", "exec_summary", "--from", tmp_path / "nameless.xlsx", "-o", path], capsys)
    assert (code, "the name results.program_usd leads to no cell" in err) == (3, True)
