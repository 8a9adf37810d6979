"""A sweep as a workbook and a picture: what the report says, formulas that engines confirm, nothing to find."""

import openpyxl
import pytest

from xl_econ.cli import main
from xl_econ.scenarios.curve import SHARES, histogram, values
from xl_econ.scenarios.run import sweep
from xl_econ.workbook.recalc import recalculate

CASE = {
    "name": "Llama 70B",
    "inputs": {
        "params_b": 70.6,
        "tokens_t": {"dist": "pert", "low": 12, "mode": 15, "high": 20},
        "peak_tflops": 989.4,
        "mfu": {"dist": "triangular", "low": 0.2, "mode": 0.38, "high": 0.46},
        "usd_per_gpu_hour": {"dist": "lognormal", "p10": 1.9, "p90": 3.9},
        "goodput": [0.85, 0.9, 0.95],
    },
    "correlations": [{"of": ["mfu", "usd_per_gpu_hour"], "rank": -0.4}],
}
TEXT = """
name = "Llama 70B"
[inputs]
params_b = 70.6
tokens_t = 15
peak_tflops = 989.4
mfu = { dist = "triangular", low = 0.2, mode = 0.38, high = 0.46 }
usd_per_gpu_hour = { dist = "lognormal", p10 = 1.9, p90 = 3.9 }
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "case.toml").write_text(TEXT)
    given = ["sweep", "train_cost", "--cases", str(folder / "case.toml"), "-n", "20000", "--budget", "2e7"]
    outputs = ["--result", "train_cost", "--result", "gpu_hours", "-o", str(folder / "s.xlsx")]
    assert main([*given, *outputs, "--png", str(folder / "s.png")]) == 0
    return folder


def test_the_workbook_holds_and_computes_what_the_report_says(book):
    found = sweep("train_cost", book / "case.toml", 20000, budgets=[2e7])
    sheet = openpyxl.load_workbook(book / "s.xlsx", data_only=True)["Summary"]
    shown = {sheet.cell(row, 2).value: sheet.cell(row, 4).value for row in range(1, sheet.max_row + 1)}
    report = found.as_json()
    assert shown["Mean"] == report["mean"]
    assert shown["P90"] == report["quantiles"]["p90"]
    assert shown["Budget"] == 2e7
    # Between points of the curve a percent apart: not further from the count than that.
    assert shown["Chance to exceed it"] == pytest.approx(report["exceedance"][0]["probability"], abs=0.01)
    computed = recalculate(book / "s.xlsx")
    assert computed, "formulas"
    stored = openpyxl.load_workbook(book / "s.xlsx", data_only=True)
    for (name, at), value in computed.items():
        assert stored[name][at].value == pytest.approx(value, rel=1e-12)


def test_a_budget_that_is_typed_is_answered(book):
    edited = openpyxl.load_workbook(book / "s.xlsx")
    sheet = edited["Summary"]
    row = next(r for r in range(1, sheet.max_row + 1) if sheet.cell(r, 2).value == "Budget")
    found = sweep("train_cost", book / "case.toml", 20000)
    for budget, chance in ((found.quantiles("train_cost", [0.25])[0], 0.75), (1.0, 1.0), (1e12, 0.0)):
        sheet.cell(row, 4).value = budget
        edited.save(book / "edited.xlsx")
        assert recalculate(book / "edited.xlsx")["Summary", f"D{row + 2}"] == pytest.approx(chance, abs=1e-9)


def test_nothing_to_find(book, capsys):
    assert main(["lint", str(book / "s.xlsx")]) == 0
    assert main(["audit", str(book / "s.xlsx"), "--fail-on", "warning"]) == 0
    capsys.readouterr()
    assert (book / "s.png").read_bytes().startswith(b"\x89PNG")


def test_correlations_and_lists_are_told(tmp_path):
    from xl_econ.scenarios.results_workbook import write

    write(sweep("train_cost", CASE, 5000), tmp_path / "s.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "s.xlsx")["Inputs"]
    texts = {c.value for row in sheet.iter_rows() for c in row if isinstance(c.value, str)}
    assert "Correlation of mfu and usd_per_gpu_hour" in texts
    assert any(t.startswith("Of 3 values: 0.85, 0.9, 0.95") for t in texts)
    assert any(t.startswith("Triangular: low 0.2, mode 0.38, high 0.46") for t in texts)


def test_a_grid_has_no_seed_and_converges_to_nothing(tmp_path):
    from xl_econ.scenarios.results_workbook import write

    inputs = {"params_b": 70, "tokens_t": [1, 15], "peak_tflops": 989.4, "mfu": [0.3, 0.4], "usd_per_gpu_hour": 2}
    found = sweep("train_cost", {"inputs": inputs})
    assert found.as_json()["convergence"] == []
    write(found, tmp_path / "s.xlsx")
    book = openpyxl.load_workbook(tmp_path / "s.xlsx")
    assert book.sheetnames == ["Summary", "Inputs", "Distribution"]
    assert not any(c.value == "Seed" for row in book["Summary"].iter_rows() for c in row)


def test_the_curve_of_many_draws_is_that_of_few():
    """From bins, of more draws than are kept, and from the values themselves."""
    few, many = sweep("train_cost", CASE, 200_000, seed=1), sweep("train_cost", CASE, 1_200_000, seed=1)
    assert few.gathered.values
    assert not many.gathered.values
    inner = slice(4, -4)
    assert values(few, "train_cost")[inner] == pytest.approx(values(many, "train_cost")[inner], rel=0.02)
    assert values(many, "train_cost") == sorted(values(many, "train_cost"))
    for result in (few, many):
        edges, shares = histogram(result, "train_cost")
        assert len(edges) == len(shares) + 1
        assert sum(shares) == pytest.approx(0.99, abs=0.002)
    assert len(SHARES) == len(values(few, "train_cost"))


def test_what_stands_there_is_not_replaced(book, capsys):
    given = ["sweep", "train_cost", "--cases", str(book / "case.toml"), "-n", "100"]
    assert main([*given, "--png", str(book / "s.png")]) == 2
    assert "exists; --force replaces it" in capsys.readouterr().err


def test_it_is_replaced_as_long_as_nobody_has_edited_it(tmp_path, capsys):
    path = tmp_path / "s.xlsx"
    (tmp_path / "case.toml").write_text(TEXT)
    given = ["sweep", "train_cost", "--cases", str(tmp_path / "case.toml"), "-n", "100", "-o", str(path)]
    assert main(given) == main(given) == 0
    edited = openpyxl.load_workbook(path)
    assert edited.properties.description.startswith("xl-econ ")
    edited.properties.created = edited.properties.created.replace(year=2020)  # as a program notes a later save
    edited.save(path)
    assert main(given) == 4
    assert "is not as xl-econ built it; --force replaces it" in capsys.readouterr().err
