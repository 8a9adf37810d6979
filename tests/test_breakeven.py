"""A break-even map: on its curve the result is what it should be, and its grid holds the result."""

import csv
import json
import math

import numpy as np
import pytest

import xl_econ
from xl_econ import cli
from xl_econ.core.errors import XlEconError
from xl_econ.hosts.python import function
from xl_econ.scenarios.breakeven import breakeven_map
from xl_econ.scenarios.target import target

X, Y = ("utilization", 0.2, 1), ("usd_per_gpu_hour", 0.5, 5)


def test_the_curve_is_the_closed_form():
    found = breakeven_map("EFFECTIVE_RATE", X, Y, 4)
    assert len(found.curve) == 21
    for x, ys in found.curve:
        assert ys == [pytest.approx(4 * x, rel=1e-12)]  # price = rate * utilization
    assert found.formula == "usd_per_gpu_hour = effective_rate * (utilization * availability)"
    assert (found.goal, found.level, found.equals) == (4, 4, None)


def test_the_grid_holds_the_result():
    found = breakeven_map("EFFECTIVE_RATE", X, Y, 4, grid=5, availability=0.9)
    np.testing.assert_allclose(found.across, np.linspace(0.2, 1, 5))
    for y, row in zip(found.down, found.results, strict=True):
        for x, value in zip(found.across, row, strict=True):
            assert value == pytest.approx(function("EFFECTIVE_RATE")(y, x, 0.9), rel=1e-12)


def test_break_even_of_buying_against_renting():
    """The issue's example: the price of the cloud at which buying breaks even, over utilization."""
    found = breakeven_map(
        "gpu_buy_vs_rent", ("utilization", 0.3, 0.7), ("gpu_usd", 5000, 80000), 0, output="npv_usd", curve=5
    )
    assert found.formula == ""  # what buying costs reads the price in several places
    t = target("gpu_buy_vs_rent")
    for x, ys in found.curve:
        [y] = ys
        assert t.compute(t.bound({"utilization": x, "gpu_usd": y}), ["npv_usd"])["npv_usd"] == pytest.approx(
            0, abs=1e-3
        )
    prices = [ys[0] for _, ys in found.curve]
    assert prices == sorted(prices)  # the busier, the more a GPU may cost


def test_two_results_that_equal_each_other():
    steps = {"own": "c / use + 1", "rent": "rate * 1"}
    found = breakeven_map("own or rent", ("rate", 2, 5), ("use", 10, 1000), equals="own", steps=steps, c=100)
    for x, ys in found.curve:
        assert ys == [pytest.approx(100 / (x - 1), rel=1e-12)]
    assert found.level == 0
    assert found.results[0][0] == pytest.approx(2 - (100 / 10 + 1))


def test_several_answers_none_and_whole_numbers():
    found = breakeven_map("hill", ("b", 1, 4), ("x", 0.5, 9), 5, steps={"cost": "a / x + b * x"}, a=4, curve=4)
    by_x = dict(found.curve)
    assert by_x[1.0] == [pytest.approx(1), pytest.approx(4)]
    assert by_x[4.0] == []  # at least 2 * sqrt(4 * 4) = 8
    assert found.formula == ""
    found = breakeven_map("FLEET_COST", ("usd_per_gpu_hour", 1, 3), ("gpus", 1, 64), 1e5, months=3, curve=3)
    for x, ys in found.curve:
        assert all(y * x * 3 * 730 == pytest.approx(1e5) for y in ys)
    months = ("months", 12, 60)
    found = breakeven_map("NPV_BUY_VS_RENT", months, ("cloud_usd_month", 1, 100), 0, upfront_usd=1000, own_usd_month=10)
    assert all(x == round(x) for x, _ in found.curve)
    assert found.curve[0][1] == [pytest.approx(10 + 1000 / 12, rel=1e-9)]


def test_values_that_do_not_exist_stay_empty():
    months = {"upfront_usd": 1000, "cloud_usd_month": 50}
    found = breakeven_map("BREAKEVEN_MONTHS", ("own_usd_month", 10, 90), ("monthly_rate", 0, 0.05), 40, **months)
    assert any(math.isnan(v) for row in found.results for v in row)
    assert any(not ys for _, ys in found.curve)


# -- the command ------------------------------------------------------------------------------------------------
def run(words, capsys):
    code = cli.main([str(w) for w in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


AXES = ["--x", "utilization=20%:1", "--y", "usd_per_gpu_hour=0.5:5"]


def test_the_command_prints_and_writes(tmp_path, capsys):
    words = ["breakeven", "EFFECTIVE_RATE", *AXES, "--target", "4", "--points", "5"]
    code, out, err = run([*words, "--csv", tmp_path / "m.csv"], capsys)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "EFFECTIVE_RATE: where effective_rate is 4 USD/GPU-h"
    assert "        0.4  1.6" in lines
    assert "usd_per_gpu_hour = effective_rate * (utilization * availability)" in lines
    assert "2.5+" not in out.split("above")[1].splitlines()[3]
    rows = list(csv.reader((tmp_path / "m.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["part", "utilization", "usd_per_gpu_hour", "effective_rate"]
    assert [len([r for r in rows if r[0] == part]) for part in ("curve", "grid")] == [5, 81]
    found = json.loads(run([*words, "--json"], capsys)[1])
    assert [p["y"][0] for p in found["curve"]] == [pytest.approx(4 * p["x"]) for p in found["curve"]]
    assert len(found["grid"]["results"]) == 9


def test_the_command_compares_two_results(capsys):
    words = ["breakeven", "gpu_buy_vs_rent", "--x", "utilization=0.2:1", "--y", "gpu_usd=1e4:6e4", "--points", "3"]
    code, out, _ = run([*words, "--result", "owned_usd_hour", "--equals", "elastic_usd_hour"], capsys)
    assert code == 1  # at no such price of the accelerator does owning cost as much
    assert "no solution: owned_usd_hour - elastic_usd_hour lies between -2.8" in out
    assert "where owned_usd_hour is elastic_usd_hour" in out
    assert "owned_usd_hour - elastic_usd_hour in USD/GPU-h" in out
    code, out, _ = run(["breakeven", "BREAKEVEN_MONTHS", "upfront_usd=1000", "cloud_usd_month=50", "--target", "40",
                        "--x", "own_usd_month=10:90", "--y", "monthly_rate=0:5%"], capsys)  # fmt: skip
    assert "none" in out


def test_no_point_at_all_is_no_solution(capsys):
    words = ["breakeven", "EFFECTIVE_RATE", *AXES, "--target", "50"]
    code, out, _ = run(words, capsys)
    assert code == 1
    assert "no solution: effective_rate lies between 0.5 and 25 on the grid of these ranges" in out  # 0.5 / 1, 5 / 0.2
    assert "none in its range" not in out
    code, out, _ = run([*words, "--json"], capsys)
    assert code == 1
    assert json.loads(out)["reason"].startswith("no solution")
    code, out, _ = run(["breakeven", "EFFECTIVE_RATE", *AXES, "--target", "20"], capsys)
    assert (code, "no solution" in out) == (0, False)  # reached where little is used, if nowhere else
    assert "none in its range" in out
    assert "reason" not in json.loads(run([*words[:-1], "20", "--json"], capsys)[1])
    found = breakeven_map(
        "BREAKEVEN_MONTHS",
        ("own_usd_month", 60, 90),
        ("monthly_rate", 0, 0.05),
        40,
        upfront_usd=1e3,
        cloud_usd_month=50,
    )
    assert found.why_not == "no solution: breakeven_months has no finite value in these ranges"


@pytest.mark.parametrize(
    ("words", "text", "code"),
    [
        ([*AXES], "needs a value to reach (--target) or a result to equal (--equals), one of them", 3),
        ([*AXES, "--target", "4", "--equals", "effective_rate"], "one of them", 3),
        ([*AXES, "--target", "four"], "effective_rate = 'four': expected a finite number", 3),
        (["--x", "utilization", *AXES[2:], "--target", "4"], "--x utilization: expected an input and its ends", 2),
        (
            ["--x", "utilization=0.2:1.5", *AXES[2:], "--target", "4"],
            "utilization = 1.5: must be above 0 and at most 1",
            3,
        ),
        (["--x", "utilization=0.9:0.2", *AXES[2:], "--target", "4"], "the lowest value 0.9 must be below", 3),
        (["--x", "utilisation=0.2:1", *AXES[2:], "--target", "4"], "did you mean 'utilization'", 3),
        ([*AXES[:2], "--y", "utilization=0.2:1", "--target", "4"], "two inputs are needed", 3),
        ([*AXES, "--target", "4", "utilization=0.5"], "utilization is given and varied", 3),
        ([*AXES, "--target", "4", "--points", "1"], "need two values at least", 3),
        ([*AXES, "--target", "4", "--points", "1000000000"], "a curve has at most 10,000 values", 3),
        ([*AXES, "--target", "4", "--csv", "nowhere/b.csv"], "there is no folder", 2),
        ([*AXES, "--equals", "effective"], "did you mean 'effective_rate'", 3),
    ],
)
def test_the_command_refuses_in_one_line(words, text, code, capsys):
    found, out, err = run(["breakeven", "EFFECTIVE_RATE", *words], capsys)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert text in err


def test_results_of_other_units_and_texts_are_refused():
    with pytest.raises(XlEconError, match="tco_usd is in USD and owned_usd_hour in USD/GPU-h: they are never equal"):
        breakeven_map("gpu_buy_vs_rent", ("utilization", 0.2, 1), ("gpu_usd", 1e4, 6e4), equals="owned_usd_hour")
    with pytest.raises(XlEconError, match="gpu is a text: a map goes over numbers"):
        breakeven_map("training_budget", ("gpu", 0.2, 1), ("mfu", 0.1, 0.6), 1e6)


def test_it_is_a_function_of_the_package():
    assert xl_econ.breakeven_map is breakeven_map
