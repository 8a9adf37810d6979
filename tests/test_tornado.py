"""A tornado holds each input's low and high against the result; Sobol indices are those of known functions."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

import xl_econ
from xl_econ import cli
from xl_econ.core.errors import XlEconError
from xl_econ.hosts.python import function
from xl_econ.scenarios.distributions import Discrete, Normal, Uniform
from xl_econ.scenarios.target import target
from xl_econ.scenarios.tornado import indices, tornado
from xl_econ.templates import layout

FIXED = {"params_b": 37, "tokens_t": 14.8, "peak_tflops": 989.4}
CASE = """
[inputs]
params_b = 37
tokens_t = 14.8
peak_tflops = 989.4
mfu = { dist = "triangular", low = 0.2, mode = 0.38, high = 0.46 }
usd_per_gpu_hour = { dist = "lognormal", p10 = 1.9, p90 = 3.9 }
goodput = { low = 0.8, high = 1.0, steps = 5 }
"""


def test_bars_are_the_functions_own_numbers_the_widest_first():
    found = tornado("TRAIN_COST", {"mfu": {"low": 0.3, "high": 0.5, "steps": 3}}, **FIXED, usd_per_gpu_hour=[1.5, 2, 3])
    base = FIXED | {"mfu": 0.4, "usd_per_gpu_hour": 2}
    cost = function("TRAIN_COST")
    assert found.base == pytest.approx(cost(**base), rel=1e-12)
    assert [(b.input.key, b.low, b.base, b.high) for b in found.bars] == [
        ("usd_per_gpu_hour", 1.5, 2, 3),
        ("mfu", 0.3, 0.4, 0.5),
    ]
    for b in found.bars:
        assert b.at_low == pytest.approx(cost(**(base | {b.input.key: b.low})), rel=1e-12)
        assert b.at_high == pytest.approx(cost(**(base | {b.input.key: b.high})), rel=1e-12)
        assert b.span == abs(b.at_high - b.at_low)


def test_distributions_go_from_p10_to_p90_about_their_median():
    drawn = {"dist": "lognormal", "p10": 1.9, "p90": 3.9}
    found = tornado("TRAIN_COST", FIXED | {"mfu": 0.4, "usd_per_gpu_hour": drawn})
    [bar] = found.bars
    assert (bar.low, bar.high) == (pytest.approx(1.9, rel=1e-9), pytest.approx(3.9, rel=1e-9))
    assert bar.base == pytest.approx(math.sqrt(1.9 * 3.9), rel=1e-9)
    even = tornado("TRAIN_COST", FIXED | {"usd_per_gpu_hour": 2, "mfu": {"dist": "uniform", "low": 0.3, "high": 0.5}})
    assert (even.bars[0].low, even.bars[0].high) == (pytest.approx(0.32), pytest.approx(0.48))


def test_a_swing_moves_all_numbers_and_keeps_their_bounds():
    found = tornado("TRAIN_COST", FIXED | {"mfu": 0.4, "usd_per_gpu_hour": 2}, swing="20%", goodput=0.9)
    bars = {b.input.key: b for b in found.bars}
    assert (bars["mfu"].low, bars["mfu"].high) == (pytest.approx(0.32), pytest.approx(0.48))
    assert "overhead" not in bars  # 20% of nothing
    assert bars["goodput"].high == 1.0
    assert found.remarks == ["goodput: 1.08 is not allowed, held at 1"]
    months = {"upfront_usd": 1000, "own_usd_month": 10, "cloud_usd_month": 50, "months": 36}
    by_months = {b.input.key: b for b in tornado("IRR_BUY_VS_RENT", months, swing=0.1).bars}["months"]
    assert (by_months.low, by_months.high) == (32.0, 40.0)  # whole months


@pytest.mark.parametrize("name", layout.names())
def test_templates_move_between_their_own_cases_or_by_a_swing(name):
    t = target(name)
    own = [k for k, i in t.inputs.items() if i.varies and (i.low is not None or i.high is not None)]
    if own:
        found = tornado(name)
        assert {b.input.key for b in found.bars} == set(own)
    swung = tornado(name, swing=0.1)
    assert swung.base == pytest.approx(t.compute({})[t.result], rel=1e-12)
    spans = [b.span for b in swung.bars]
    assert spans == sorted(spans, reverse=True)
    assert spans[0] > 0


def test_texts_are_ordered_by_their_result():
    found = tornado(
        "TOKENS_PER_GPU", {"gpu": ["H200", "H100 SXM"]}, model="Llama 3.1 8B", input_tokens=500, output_tokens=500
    )
    [bar] = found.bars
    assert (bar.low, bar.high) == ("H100 SXM", "H200")
    assert bar.at_low < bar.at_high


def test_an_end_without_a_result_stands_first_and_is_said():
    months = {"upfront_usd": 1000, "own_usd_month": [10, 30, 60], "cloud_usd_month": 50}
    [bar] = tornado("BREAKEVEN_MONTHS", months).bars
    assert math.isnan(bar.at_high)
    assert bar.span == math.inf


# -- Sobol indices ----------------------------------------------------------------------------------------------
def test_indices_of_the_ishigami_function():
    """Ishigami and Homma 1990, a = 7, b = 0.1: the indices are known in closed form."""
    a, b = 7.0, 0.1
    variance = a**2 / 8 + b * math.pi**4 / 5 + b**2 * math.pi**8 / 18 + 0.5
    first = [(1 + b * math.pi**4 / 5) ** 2 / 2 / variance, a**2 / 8 / variance, 0.0]
    together = 8 * b**2 * math.pi**8 / 225 / variance
    total = [first[0] + together, first[1], together]
    even = Uniform(-math.pi, math.pi)
    f = lambda c: np.sin(c["x"]) + a * np.sin(c["y"]) ** 2 + b * c["z"] ** 4 * np.sin(c["x"])  # noqa: E731
    found = indices(f, dict.fromkeys("xyz", even), draws=2**14)
    for n, index in enumerate(found.values()):
        assert index.first == pytest.approx(first[n], abs=0.01)
        assert index.total == pytest.approx(total[n], abs=0.01)
        assert index.first_between[0] <= first[n] <= index.first_between[1]
        assert index.total_between[0] <= total[n] <= index.total_between[1]


def test_indices_of_a_sum_are_shares_of_the_variance():
    drawn = {"x": Normal(5, 1), "y": Normal(3, 2), "z": Discrete((0.0, 4.0), (1.0, 1.0))}  # variances 1, 4 and 4
    found = indices(lambda c: c["x"] + c["y"] + c["z"], drawn)
    for key, share in (("x", 1 / 9), ("y", 4 / 9), ("z", 4 / 9)):
        assert found[key].first == pytest.approx(share, abs=0.01)
        assert found[key].total == pytest.approx(share, abs=0.01)
    assert indices(lambda c: c["x"], {"x": Normal(0, 1)}, seed=3) == indices(
        lambda c: c["x"], {"x": Normal(0, 1)}, seed=3
    )


def test_indices_of_a_product_of_lognormals():
    """cost = price * hours / ...: the logarithm is a sum, and for lognormals the indices follow from the sigmas."""
    sigma = {"mfu": 0.2, "usd_per_gpu_hour": 0.3}
    drawn = {
        k: {
            "dist": "lognormal",
            "mean": m * math.exp(s**2 / 2),
            "sd": m * math.exp(s**2 / 2) * math.sqrt(math.expm1(s**2)),
        }
        for (k, s), m in zip(sigma.items(), (0.2, 2.0), strict=True)
    }
    drawn["mfu"]["max"] = 1.0
    found = tornado("TRAIN_COST", FIXED | drawn, sobol=True, draws=2**13)
    v = {k: math.expm1(s**2) for k, s in sigma.items()}
    whole = (1 + v["mfu"]) * (1 + v["usd_per_gpu_hour"]) - 1
    for b in found.bars:
        assert b.index.first == pytest.approx(v[b.input.key] / whole, abs=0.02)


def test_what_indices_cannot_be_of_is_refused():
    with pytest.raises(XlEconError, match="1000 draws: Sobol indices need a power of two"):
        indices(lambda c: c["x"], {"x": Normal(0, 1)}, draws=1000)
    with pytest.raises(XlEconError, match="the result is the same in all draws"):
        indices(lambda c: c["x"] * 0, {"x": Normal(0, 1)})
    months = {"upfront_usd": 1000, "own_usd_month": {"dist": "uniform", "low": 10, "high": 90}, "cloud_usd_month": 50}
    with pytest.raises(XlEconError, match=r"\d+\.\d+% of the draws have no result"):
        tornado("BREAKEVEN_MONTHS", months, sobol=True)


# -- the command ------------------------------------------------------------------------------------------------
def run(words, capsys):
    code = cli.main([str(w) for w in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def case(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(CASE, encoding="utf-8")
    return path


def test_the_command_prints_bars_and_json(case, capsys):
    code, out, err = run(["tornado", "TRAIN_COST", "--cases", case, "overhead=5%"], capsys)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "TRAIN_COST: train_cost, base 7,469,649 USD"
    assert [line.split()[0] for line in lines[3:6]] == ["usd_per_gpu_hour", "mfu", "goodput"]
    assert ("█" in lines[3]) or ("#" in lines[3])
    found = json.loads(run(["tornado", "TRAIN_COST", "--cases", case, "--sobol", "--json"], capsys)[1])
    assert sum(b["sobol"]["first"]["value"] for b in found["bars"]) == pytest.approx(0.97, abs=0.03)
    assert found["bars"][0]["sobol"]["total"]["low"] < found["bars"][0]["sobol"]["total"]["high"]
    out = run(["tornado", "TRAIN_COST", "--cases", case, "--sobol", "--result", "gpu_hours"], capsys)[1]
    assert "shares of the variance" in out
    assert "nothing moves with usd_per_gpu_hour" not in out.splitlines()[3]
    out = run(["tornado", "training_budget", "--swing", "20%"], capsys)[1]
    assert "\nnothing moves with gpus, " in out


def test_correlations_are_said_to_be_left_out(case, capsys):
    case.write_text(CASE + '[[correlations]]\nof = ["mfu", "usd_per_gpu_hour"]\nrank = -0.4\n', encoding="utf-8")
    err = run(["tornado", "TRAIN_COST", "--cases", case, "--sobol"], capsys)[2]
    assert err == "Sobol indices are of independent inputs: the correlations are left out\n"


ALL = ["params_b=1", "tokens_t=1", "peak_tflops=100", "mfu=0.4", "usd_per_gpu_hour=1"]


@pytest.mark.parametrize(
    ("words", "text", "code"),
    [
        (["TRAIN_CST"], "did you mean 'TRAIN_COST'", 2),
        (["TRAIN_COST", *ALL], "nothing varies: give an input a range", 3),
        (["TRAIN_COST", *ALL, "--swing", "200%"], "swing '200%': expected a share above 0 and below 1", 3),
        (["TRAIN_COST", *ALL, "--swing", "wide"], "swing 'wide'", 3),
        (["TRAIN_COST", *ALL, "--swing", "20%", "--result", "gpu_hour"], "did you mean 'gpu_hours'", 3),
        (["TRAIN_COST", *ALL, "mfu"], "'mfu': expected k=v", 2),
        (["TRAIN_COST", "--cases", "none.toml"], "none.toml: cannot be read", 3),
        (["TRAIN_COST", *ALL, "--swing", "20%", "--sobol", "--draws", str(1 << 40)], "need a power of two", 3),
        (["TRAIN_COST", *ALL, "--swing", "20%", "--sobol", "--seed", "-1"], "seed -1: must be at least 0", 3),
        (["TRAIN_COST", *ALL, "--swing", "20%", "--png", "nowhere/t.png"], "there is no folder", 2),
        (["TRAIN_COST", *ALL, "mfuu=1", "--swing", "20%"], "did you mean 'mfu'", 3),
    ],
)
def test_the_command_refuses_in_one_line(words, text, code, capsys):
    found, out, err = run(["tornado", *words], capsys)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert text in err


# -- pictures ---------------------------------------------------------------------------------------------------
def pictures(folder, case):
    """The words of the three commands that draw."""
    (folder / "a.toml").write_text("[inputs]\nmfu = 0.36\n", encoding="utf-8")
    (folder / "b.toml").write_text("[inputs]\nmfu = 0.4\nusd_per_gpu_hour = 3\n", encoding="utf-8")
    axes = ["--x", "utilization=0.2:1", "--y", "usd_per_gpu_hour=0.5:5", "--target", "4"]
    return [
        ["tornado", "TRAIN_COST", "--cases", case],
        ["bridge", folder / "a.toml", folder / "b.toml", "--of", "training_budget"],
        ["breakeven", "EFFECTIVE_RATE", *axes],
    ]


def test_pictures_are_drawn_and_not_drawn_over(case, tmp_path, capsys):
    from PIL import Image

    for words in pictures(tmp_path, case):
        path = tmp_path / f"{words[0]}.png"
        assert run([*words, "--png", path], capsys)[0] == 0
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert len(image.convert("RGB").getcolors(1 << 24)) > 20
        first = path.read_bytes()
        code, out, err = run([*words, "--png", path], capsys)
        assert (code, out, "exists; --force replaces it" in err) == (2, "", True)
        assert run([*words, "--png", path, "--force"], capsys)[0] == 0
        assert path.read_bytes() == first  # the same bytes each time
    assert sorted(p.name for p in tmp_path.glob(".*")) == []


def test_without_matplotlib_one_line_says_so(case, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for words in pictures(tmp_path, case):
        code, out, err = run([*words, "--png", tmp_path / "x.png"], capsys)
        assert (code, out) == (2, "")
        assert err == "xl-econ: a picture needs matplotlib: pip install 'xl-econ[scenarios]'\n"
        assert not (tmp_path / "x.png").exists()


def test_help_loads_none_of_it():
    text = "import sys; from xl_econ import cli; cli._parser(['--help'])\n"
    text += "late = ('numpy', 'scipy', 'xl_econ.scenarios', 'xl_econ.commands')\n"
    text += "assert not [m for m in sys.modules if m.startswith(late)]"
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == 0


def test_it_is_a_function_of_the_package():
    assert xl_econ.tornado is tornado
