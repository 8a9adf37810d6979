"""Cases and options of a sweep that are refused, each in one line that says what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import openpyxl
import pytest
from sweep_case import INPUTS

import xl_econ
from xl_econ import cli
from xl_econ.core.errors import InputError, UsageError, XlEconError
from xl_econ.scenarios.cases import study

REFUSED = [
    ({"mfuu": 0.4}, [], "unknown input 'mfuu'; did you mean 'mfu'?"),
    ({"mfu": 41}, [], "mfu = 41: write 0.41 or 41%"),
    ({"mfu": {"dist": "normal", "mean": 0.4, "sd": 0.1}}, [], "mfu: 3.2e-05 of the distribution lies at or below 0"),
    ({"mfu": {"dist": "normal", "mean": 0.4, "sd": 0.2}}, [], "mfu: 2.28% of the distribution lies at or below 0"),
    (
        {"goodput": {"dist": "normal", "mean": 0.9, "sd": 0.05, "min": 0.1}},
        [],
        "2.28% of the distribution lies above 1",
    ),
    ({"mfu": {"dist": "uniform", "low": 0, "high": 0.5}}, [], "mfu = 0: must be above 0"),
    ({"mfu": {"dist": "uniform", "low": 20, "high": 40}}, [], "100.00% of the distribution lies above 1"),
    ({"mfu": {"dist": "normal", "mean": 0.4, "sd": 0.1, "min": 0, "max": 1}}, [], "mfu = 0: must be above 0"),
    ({"mfu": {"dist": "lognormal", "p10": 3.9, "p90": 1.9}}, [], "mfu: p10 = 3.9 must be below p90 = 1.9"),
    ({"mfu": {"dist": "lognormal", "p10": "low", "p90": 1.9}}, [], "mfu: p10 = 'low': expected a finite number"),
    ({"mfu": {"dist": "triangle", "low": 1}}, [], "mfu: no distribution 'triangle'; did you mean 'triangular'?"),
    ({"mfu": {"low": 0.1, "high": 0.4}}, [], "mfu: a range needs low, high and steps, steps is missing"),
    ({"mfu": {"low": 0.4, "high": 0.1, "steps": 3}}, [], "low = 0.4 must be a number below high = 0.1"),
    ({"mfu": {"low": 0.1, "high": 0.4, "steps": 1}}, [], "steps = 1: expected a whole number of values, at least 2"),
    ({"mfu": {"low": 0.1, "high": 0.4, "steps": 1e9}}, [], "steps = 1,000,000,000: at most 10,000"),
    ({"mfu": {"low": 0.1, "high": 0.4, "step": 3}}, [], "has no parameter 'step'"),
    ({"overhead": {"low": 0, "high": 0.4, "steps": 3, "scale": "log"}}, [], "linear, or log where low is above 0"),
    ({"mfu": []}, [], "mfu: the list is empty"),
    ({"mfu": [0.4, 41]}, [], "mfu = 41: write 0.41 or 41%"),
    ({"mfu": {"dist": "discrete", "values": [0.4, 0.5], "weights": [1]}}, [], "it has 2 values and 1 weights"),
    ({"mfu": {"dist": "discrete", "values": [0.4, 0.5], "weights": [0, 0]}}, [], "not all of them 0"),
    ({"mfu": {"dist": "discrete", "values": 0.4}}, [], "values = 0.4: expected a list"),
    ({"mfu": {"dist": "discrete", "value": [0.4]}}, [], "discrete has no parameter 'value'; did you mean 'values'?"),
    ({"mfu": {"dist": "discrete"}}, [], "its values are missing"),
    ({"mfu": True}, [], "mfu = True"),
    ({}, [{"of": ["mfu", "price"], "rank": 0.5}], "correlation of mfu and price: 'price' is no input that varies"),
    ({}, [{"of": ["mfu", "params_b"], "rank": 1.5}], "rank = 1.5 must be at least -1 and at most 1"),
    ({}, [{"of": ["mfu", "mfu"], "rank": 0.5}], "always correlated with itself"),
    ({}, [{"of": ["mfu", "params_b"], "rank": 0.5}, {"of": ["params_b", "mfu"], "rank": 0.2}], "is given twice"),
    ({}, [{"of": "mfu", "rank": 0.5}], 'expected of = ["a", "b"] and rank = 0.5'),
    ({}, "mfu", "correlations: expected a list"),
    (
        {},
        [
            {"of": ["mfu", "params_b"], "rank": 0.9},
            {"of": ["params_b", "tokens_t"], "rank": 0.9},
            {"of": ["mfu", "tokens_t"], "rank": -0.9},
        ],
        "contradict each other: mfu with params_b 0.9, params_b with tokens_t 0.9, mfu with tokens_t -0.9; "
        "the nearest that are possible: params_b with tokens_t 0.4",
    ),
]


@pytest.mark.parametrize(("inputs", "pairs", "said"), REFUSED, ids=[r[2][:40] for r in REFUSED])
def test_a_bad_case_is_refused_in_one_line(inputs: dict[str, object], pairs: object, said: str) -> None:
    with pytest.raises(XlEconError) as e:
        study({"inputs": INPUTS | inputs, "correlations": pairs}, "train_cost", where="case.toml")
    assert said in str(e.value)
    assert str(e.value).startswith("case.toml: ")
    assert "\n" not in str(e.value)
    assert e.value.exit_code == 3


def test_the_correlations_that_are_proposed_are_possible() -> None:
    pairs = [("mfu", "params_b", 0.9), ("params_b", "tokens_t", 0.9), ("mfu", "usd_per_gpu_hour", -0.7)]
    pairs += [("tokens_t", "usd_per_gpu_hour", 0.8)]
    for _ in range(2):
        found = [{"of": [a, b], "rank": r} for a, b, r in pairs]
        try:
            study({"inputs": INPUTS, "correlations": found}, "train_cost")
        except InputError as e:
            proposed = str(e).partition("the nearest that are possible: ")[2].split(", ")
            pairs = [(a, b, float(r)) for a, _, b, r in (text.split() for text in proposed)]
        else:
            return
    pytest.fail("what was proposed was refused")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"inputs": {"mfu": 0.4}}, "TRAIN_COST needs the inputs params_b, tokens_t, peak_tflops, usd_per_gpu_hour too"),
        ({"input": {}}, "unknown key 'input'; did you mean 'inputs'?"),
        ({"inputs": 3}, "inputs: expected keys and values"),
        ({"function": "TOKEN_COST", "inputs": {}}, "is a case of 'TOKEN_COST', not of 'TRAIN_COST'"),
        ({"inputs": {k: v for k, v in INPUTS.items() if k == "peak_tflops"}}, "TRAIN_COST needs"),
        (
            {"inputs": dict.fromkeys(("params_b", "tokens_t", "peak_tflops", "usd_per_gpu_hour"), 5) | {"mfu": 1}},
            "nothing varies",
        ),
    ],
)
def test_a_case_that_is_no_case_is_refused(found: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as e:
        study(found, "train_cost")
    assert said in str(e.value)


def test_whole_numbers_and_texts_take_lists_only() -> None:
    inputs = {"cost_usd": 1e5, "salvage_usd": 1e4, "life_years": 6, "year": [1, 2, 3], "method": ["SLN", "DDB"]}
    result = xl_econ.sweep("depreciation", {"inputs": inputs})
    assert result.gathered.values["depreciation"][::2].tolist() == [15_000] * 3  # straight: 90,000 in six years
    drawn = xl_econ.sweep("depreciation", {"inputs": inputs | {"method": {"dist": "discrete", "values": ["sln"]}}}, 50)
    assert set(drawn.gathered.values["depreciation"]) == {15_000}
    uniform = {"dist": "uniform", "low": 1, "high": 3}
    with pytest.raises(InputError, match="year: takes whole numbers: give it a list"):
        study({"inputs": inputs | {"year": uniform}}, "depreciation")
    with pytest.raises(InputError, match="method: takes a text: give it a list"):
        study({"inputs": inputs | {"method": uniform}}, "depreciation")
    with pytest.raises(XlEconError, match="'SLM': allowed are SLN"):
        study({"inputs": inputs | {"method": ["SLM"]}}, "depreciation")


@pytest.mark.parametrize(
    ("extra", "code", "said"),
    [
        (["--method", "grid"], 3, "a grid takes single values"),
        (["--method", "latin"], 2, "no method 'latin'; there are mc, lhs, sobol, grid"),
        (["--engine", "dask://"], 2, "expected dask://host:port"),
        (["-n", "1e30"], 2, "-n 1e+30: at most 1e+15 draws"),
        (["--result", "nope"], 3, "there are flop_per_token, train_flop, gpu_hours, train_cost"),
        (["-o", "d.pdf"], 2, "a workbook's name ends with .xlsx"),
        (["--png", "nowhere/d.png"], 2, "there is no folder"),
        (["--state", "."], 2, "is a folder"),
        (["--engine", "ray"], 2, "no engine 'ray'; there are local, dask, dask://host:port"),
        (["--engine", "dask://nowhere"], 2, "expected dask://host:port"),
        (["--workers", "0"], 2, "there must be at least 1"),
        (["-n", "0"], 2, "must be at least 1"),
        (["-n", "1.5"], 2, "expected a whole number"),
        (["--budget", "nan"], 2, "--budget nan: must be a finite number"),
        (["--seed", "-1"], 2, "--seed -1: must be at least 0"),
        (["--quantiles", "p10,p100"], 2, "expected p10, 10% or 0.1"),
        (["--quantiles", "half"], 2, "expected p10, 10% or 0.1"),
        (["--result", "train_cots"], 3, "no result 'train_cots'; did you mean 'train_cost'?"),
        (["--draws", "d.txt"], 2, "can be .parquet or .csv"),
        (["--draws", "nowhere/d.csv"], 2, "there is no folder"),
        (["--state", "nowhere/s"], 2, "there is no folder"),
        (["--draws", "d.csv", "--state", "./d.csv"], 2, "each needs a file of its own"),
        (["--resume"], 2, "name its file (--state F)"),
    ],
)
def test_an_option_that_cannot_be_is_refused(case_file: Path, extra: list[str], code: int, said: str, capsys) -> None:
    assert cli.main(["sweep", "train_cost", "--cases", str(case_file), *extra]) == code
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_grid_by_mistake_is_refused_with_its_size(tmp_path: Path, capsys) -> None:
    path = tmp_path / "grid.toml"
    names = ("params_b", "tokens_t", "peak_tflops")
    lines = [f"{key} = {{ low = 1, high = 1000, steps = 10000 }}" for key in names]
    path.write_text("\n".join(["[inputs]", *lines, "mfu = 0.4", "usd_per_gpu_hour = 2", ""]))
    assert cli.main(["sweep", "train_cost", "--cases", str(path)]) == 3
    err = capsys.readouterr().err
    assert "a grid of 1,000,000,000,000 points (10,000 of params_b x 10,000 of tokens_t" in err
    assert "--max-points" in err


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, capsys) -> None:
    for name, text, said in [
        ("case.txt", "", "not a case file"),
        ("case.toml", "mfu = [", "malformed"),
        ("case.csv", "mfu,0.4\nx,1\n", "there is no column key"),
        ("case.csv", "key,value\nmfu,0.4\nmfu,0.5\n", "mfu is given twice"),
        ("case.csv", "key,value,low\nmfu,0.4,0.1\n", "mfu has a value and low"),
        ("case.csv", "key,value\nmfu,\n", "mfu has no value"),
    ]:
        (tmp_path / name).write_text(text)
        assert cli.main(["sweep", "train_cost", "--cases", str(tmp_path / name)]) == 3
        assert said in capsys.readouterr().err
    assert cli.main(["sweep", "train_cost", "--cases", str(tmp_path / "none.toml")]) == 3
    book = openpyxl.Workbook()
    book.save(tmp_path / "case.xlsx")
    assert cli.main(["sweep", "train_cost", "--cases", str(tmp_path / "case.xlsx")]) == 3
    assert "no sheet has the columns" in capsys.readouterr().err


def test_a_missing_package_is_one_line(case_file: Path, monkeypatch, capsys, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert cli.main(["sweep", "train_cost", "--cases", str(case_file), "--draws", str(tmp_path / "d.parquet")]) == 2
    assert "pip install 'xl-econ[scenarios]'" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert cli.main(["sweep", "train_cost", "--cases", str(case_file), "--engine", "dask"]) == 4
    assert "pip install 'xl-econ[dask]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["sweep", "train_cost", "--cases", "case.toml", "-o", "book.xlsx"],
        ["tornado", "train_cost", "--cases", "case.toml"],
        ["bridge", "case.toml", "case.toml", "--of", "train_cost"],
        ["breakeven", "train_cost", "--x", "mfu=0.2:0.5", "--y", "goodput=0.8:0.9", "--csv", "map.csv"],
    ],
    ids=lambda words: words[0],
)
def test_a_picture_that_nothing_can_draw_is_refused_before_any_work(words, case_file, monkeypatch, capsys) -> None:
    monkeypatch.chdir(case_file.parent)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert cli.main([*words, "--png", "p.png"]) == 2
    captured = capsys.readouterr()
    assert captured.err == "xl-econ: a picture needs matplotlib: pip install 'xl-econ[scenarios]'\n"
    assert [p.name for p in case_file.parent.iterdir()] == ["case.toml"]


def test_usage_errors_of_the_function_are_ours() -> None:
    with pytest.raises(UsageError, match="did you mean 'TRAIN_COST'"):
        xl_econ.sweep("train_cots", {"inputs": {"mfu": [0.4, 0.5]}})
