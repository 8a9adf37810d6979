"""Sweeps: the same bits wherever they run, right statistics, cases that are refused with what is wrong."""

from __future__ import annotations

import csv
import itertools
import json
import math
import re
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from scipy import stats

import xl_econ
from xl_econ import cli
from xl_econ.core.errors import InputError, UsageError, XlEconError
from xl_econ.engines import engine
from xl_econ.scenarios import plan as plans
from xl_econ.scenarios import run as sweeps
from xl_econ.scenarios.cases import read, study
from xl_econ.scenarios.draws import BLOCK, Draws, Permutation
from xl_econ.scenarios.sketch import Sketch
from xl_econ.scenarios.state import load, save

INPUTS = {
    "params_b": {"dist": "triangular", "low": 300, "mode": 405, "high": 500},
    "tokens_t": {"dist": "uniform", "low": 12, "high": 18},
    "peak_tflops": 989.4,
    "mfu": {"dist": "triangular", "low": 0.2, "mode": 0.38, "high": 0.46},
    "usd_per_gpu_hour": {"dist": "lognormal", "p10": 1.9, "p90": 3.9},
    "goodput": {"dist": "discrete", "values": [0.8, 0.9, 0.95], "weights": [1, 2, 1]},
    "overhead": {"dist": "normal", "mean": 0.1, "sd": 0.05, "min": 0},
}
CASE = {"inputs": INPUTS, "correlations": [{"of": ["mfu", "usd_per_gpu_hour"], "rank": -0.4}]}
RANDOM = ("mc", "lhs", "sobol")
TOML = """
[inputs]
params_b = 405
tokens_t = 15.6
peak_tflops = 989.4
mfu = { dist = "triangular", low = 0.2, mode = 0.38, high = 0.46 }
usd_per_gpu_hour = { dist = "lognormal", p10 = 1.9, p90 = 3.9 }
"""


def swept(plan: plans.Plan, workers: int = 1, chunk: int | None = None) -> dict[str, object]:
    with engine("local", workers) as where:
        return sweeps.run(plan, where, chunk=chunk).as_json()


@pytest.fixture
def case(tmp_path: Path) -> Path:
    path = tmp_path / "case.toml"
    path.write_text(TOML)
    return path


# -- the same bits ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", RANDOM)
@pytest.mark.parametrize("exact", [True, False])
def test_the_same_seed_gives_the_same_bits_whatever_the_chunk(method: str, exact: bool, monkeypatch) -> None:
    if not exact:
        monkeypatch.setattr(plans, "EXACT", 0)
    plan = plans.plan(study(CASE, "train_cost"), 9 * BLOCK + 77, 7, method, budgets=[1e8])
    first = swept(plan)
    assert first["quantiles_are"] == ("exact" if exact else "within 0.1%")
    for chunk in (1, 3, 100):
        assert swept(plan, chunk=chunk) == first
    assert swept(plans.plan(study(CASE, "train_cost"), 9 * BLOCK + 77, 8, method)) != first


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 7])
def test_the_same_seed_gives_the_same_bits_whatever_the_workers(workers: int) -> None:
    for method in RANDOM:
        plan = plans.plan(study(CASE, "train_cost"), 160 * BLOCK + 5, 7, method, budgets=[1e8])
        assert not plan.exact
        assert swept(plan, workers) == swept(plan)


@pytest.mark.parametrize("method", RANDOM)
def test_a_block_of_draws_depends_on_nothing_before_it(method: str) -> None:
    plan = plans.plan(study(CASE, "train_cost"), 4 * BLOCK, 7, method)

    def draws() -> Draws:
        return Draws(dict(plan.study.varied), plan.study.correlations, method, plan.n, plan.seed)

    forward, backward = draws(), draws()
    ahead = [{k: np.array(v) for k, v in forward.block(n).items()} for n in range(4)]
    for n in (3, 1, 0, 2):
        for key, column in backward.block(n).items():
            np.testing.assert_array_equal(column, ahead[n][key])


def test_another_distribution_of_one_input_leaves_the_draws_of_the_others() -> None:
    def drawn(inputs: dict[str, object]) -> dict[str, object]:
        varied = dict(study({"inputs": inputs}, "train_cost").varied)
        return Draws(varied, (), "mc", BLOCK, 7).block(0)

    first, second = drawn(INPUTS), drawn({**INPUTS, "tokens_t": {"dist": "pert", "low": 1, "mode": 2, "high": 3}})
    np.testing.assert_array_equal(first["mfu"], second["mfu"])
    reordered = drawn(dict(reversed(INPUTS.items())))
    for key, column in reordered.items():
        np.testing.assert_array_equal(column, first[key])


def test_a_state_goes_on_to_the_same_bits(tmp_path: Path, monkeypatch) -> None:
    for most in (1 << 20, 0):
        monkeypatch.setattr(plans, "EXACT", most)
        plan = plans.plan(study(CASE, "train_cost"), 6 * BLOCK, 7, budgets=[1e8])

        class Stop(Exception):
            pass

        def until_three(gathered: sweeps.Gathered) -> None:
            if gathered.stop == 3:
                save(tmp_path / "s", gathered)
                raise Stop

        with engine() as where, pytest.raises(Stop):
            sweeps.run(plan, where, chunk=1, on_part=until_three)
        gathered = load(tmp_path / "s", plan)
        assert gathered.stop == 3
        with engine() as where:
            assert sweeps.run(plan, where, gathered=gathered).as_json() == swept(plan)
        with pytest.raises(InputError, match="the state of another sweep"):
            load(tmp_path / "s", plans.plan(study(CASE, "train_cost"), 6 * BLOCK, 8, budgets=[1e8]))
    (tmp_path / "s").write_text("[]")
    with pytest.raises(InputError, match="is not the state of a sweep"):
        load(tmp_path / "s", plan)


# -- draws ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", RANDOM)
@pytest.mark.parametrize("rank", [-0.9, -0.4, 0.3, 0.7, 1])
def test_draws_have_the_rank_correlation_that_was_asked_for(method: str, rank: float) -> None:
    pairs = [{"of": ["mfu", "usd_per_gpu_hour"], "rank": rank}, {"of": ["tokens_t", "params_b"], "rank": 0.5}]
    case = study({"inputs": INPUTS, "correlations": pairs}, "train_cost")
    draws = Draws(dict(case.varied), case.correlations, method, 100_000, 7)
    blocks = [{k: np.array(v) for k, v in draws.block(n).items()} for n in range(draws.blocks)]
    columns = {k: np.concatenate([b[k] for b in blocks]) for k in blocks[0]}
    assert len(columns["mfu"]) == 100_000
    wanted = {("mfu", "usd_per_gpu_hour"): rank, ("params_b", "tokens_t"): 0.5}
    for a, b in itertools.combinations(columns, 2):
        assert stats.spearmanr(columns[a], columns[b]).statistic == pytest.approx(wanted.get((a, b), 0), abs=0.02)
    triangle = stats.triang(0.18 / 0.26, 0.2, 0.26)
    assert stats.kstest(columns["mfu"], triangle.cdf).pvalue > 1e-3
    assert stats.kstest(columns["overhead"], stats.truncnorm(-2, np.inf, 0.1, 0.05).cdf).pvalue > 1e-3
    shares = [np.mean(columns["goodput"] == v) for v in (0.8, 0.9, 0.95)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.01)


@pytest.mark.parametrize("method", RANDOM)
def test_single_values_are_correlated_as_far_as_ties_let_them(method: str) -> None:
    """The rank correlation of a number and a fair coin that a normal number's sign decides, in closed form."""
    values = {
        "dist": "discrete",
        "values": [1, 0.5],
        "weights": [1, 1],
    }  # the order in which they are listed says nothing
    inputs = INPUTS | {"goodput": values}
    case = study({"inputs": inputs, "correlations": [{"of": ["mfu", "goodput"], "rank": 0.6}]}, "train_cost")
    assert case.remarks[-1].startswith("mfu with goodput: draws of single values tie")
    draws = Draws(dict(case.varied), case.correlations, method, 100_000, 7)
    blocks = [{k: np.array(v) for k, v in draws.block(n).items()} for n in range(draws.blocks)]
    mfu, goodput = (np.concatenate([b[k] for b in blocks]) for k in ("mfu", "goodput"))
    assert np.mean(goodput == 1) == pytest.approx(0.5, abs=0.005)
    # Of two normal numbers x and y with correlation r, E[sign(y) (F(x) - 1/2)] = asin(r / sqrt 2) / pi (Sheppard).
    r = 2 * math.sin(math.pi * 0.6 / 6)
    mean = math.asin(r / math.sqrt(2)) / math.pi
    expected = mean / math.sqrt(1 / 12)
    assert expected < 0.6
    assert stats.spearmanr(mfu, goodput).statistic == pytest.approx(expected, abs=0.01)
    assert stats.kstest(mfu, stats.triang(0.18 / 0.26, 0.2, 0.26).cdf).pvalue > 1e-3


def test_texts_do_not_correlate_and_a_grid_does_not_either() -> None:
    inputs = {
        "model": "Llama-3.1-70B",
        "gpu": ["H100 SXM", "H200 SXM"],
        "usd_per_gpu_hour": [2, 3],
        "input_tokens": 512,
        "output_tokens": [256, 512],
    }
    said = "correlation of gpu and usd_per_gpu_hour: gpu is a text, which is neither more nor less than another"
    with pytest.raises(InputError, match=said):
        study({"inputs": inputs, "correlations": [{"of": ["gpu", "usd_per_gpu_hour"], "rank": 0.5}]}, "token_cost")
    pairs = [{"of": ["usd_per_gpu_hour", "output_tokens"], "rank": 0.5}]
    case = study({"inputs": inputs, "correlations": pairs}, "token_cost")
    assert plans.plan(case).method == "mc"
    with pytest.raises(InputError, match="nothing correlates in it; or take --method mc"):
        plans.plan(case, method="grid")


def test_any_number_of_sobol_draws_is_quiet() -> None:
    """A number that is no power of two gives the first of them, without a warning."""
    case = study({"inputs": INPUTS}, "train_cost")
    few, more = (Draws(dict(case.varied), (), "sobol", n, 7).block(0) for n in (3000, 4096))
    assert all((few[key] == more[key][:3000]).all() for key in few)


def test_a_latin_hypercube_has_one_draw_in_every_stratum() -> None:
    n = BLOCK + 1000
    case = study({"inputs": {**INPUTS, "tokens_t": {"dist": "uniform", "low": 1, "high": 2}}}, "train_cost")
    draws = Draws(dict(case.varied), (), "lhs", n, 7)
    drawn = np.concatenate([np.array(draws.block(k)["tokens_t"]) for k in range(2)]) - 1
    assert sorted(np.floor(drawn * n).astype(int).tolist()) == list(range(n))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 100, 8192, 10_001])
def test_a_permutation_that_is_had_in_parts_is_one(n: int) -> None:
    seeds = np.random.SeedSequence(n)
    whole = Permutation(n, seeds).at(np.arange(n, dtype=np.uint64))
    assert sorted(whole.tolist()) == list(range(n))
    parts = [Permutation(n, seeds).at(np.arange(k, min(k + 11, n), dtype=np.uint64)) for k in range(0, n, 11)]
    assert np.concatenate(parts).tolist() == whole.tolist()


def test_permutations_of_few_are_as_random_as_many() -> None:
    n, tries = 10, 4000
    places = np.zeros((n, n))
    together = []
    for seed in range(tries):
        found = Permutation(n, np.random.SeedSequence(seed)).at(np.arange(n, dtype=np.uint64)).astype(int)
        places[np.arange(n), found] += 1
        together.append(stats.spearmanr(np.arange(n), found).statistic)
    assert stats.chisquare(places.ravel(), ddof=2 * n - 2).pvalue > 1e-4
    assert np.mean(together) == pytest.approx(0, abs=0.02)
    assert np.std(together) == pytest.approx(1 / math.sqrt(n - 1), abs=0.02)


def test_a_sobol_sweep_is_nearer_to_the_mean_than_monte_carlo() -> None:
    case = {"inputs": {**INPUTS, "usd_per_gpu_hour": 2.5, "mfu": 0.4, "goodput": 1, "overhead": 0}}
    exact = 6 * (1205 / 3 * 1e9) * 15e12 / (989.4e12 * 0.4 * 3600) * 2.5  # both enter as their means
    off = {
        m: abs(xl_econ.sweep("train_cost", case, 4096, method=m).sketches["train_cost"].mean / exact - 1)
        for m in RANDOM
    }
    assert off["sobol"] < 1e-4
    assert off["lhs"] < 1e-3
    assert off["mc"] < 0.01


# -- statistics -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "values",
    [
        stats.lognorm(0.4, scale=1e8).rvs(50_000, random_state=1),
        stats.norm(0, 3).rvs(50_000, random_state=2),
        stats.norm(1e9, 1).rvs(50_000, random_state=3),
        -stats.lognorm(2).rvs(50_000, random_state=4),
        np.exp(stats.norm(0, 60).rvs(20_000, random_state=5)) * np.where(np.arange(20_000) % 2, 1, -1),
    ],
    ids=["large", "around zero", "almost the same", "negative", "all magnitudes"],
)
def test_a_sketch_knows_moments_to_all_digits_and_quantiles_to_a_bin(values: np.ndarray) -> None:
    sketch = Sketch(budgets=(float(np.median(values)),))
    for start in range(0, len(values), BLOCK):
        sketch.add(values[start : start + BLOCK])
    assert sketch.mean == pytest.approx(math.fsum(values) / len(values), rel=1e-13)
    if np.abs(values).max() < 1e12:
        off = values - values.mean()
        assert sketch.sd == pytest.approx(np.std(values, ddof=1), rel=1e-10)
        assert sketch.skew == pytest.approx(np.mean(off**3) / np.mean(off**2) ** 1.5, rel=1e-6, abs=1e-6)
    assert (sketch.low, sketch.high) == (values.min(), values.max())
    assert sketch.above == [int((values > np.median(values)).sum())]
    shares = [0.001, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999]
    for share, found in zip(shares, sketch.quantiles(shares), strict=True):
        near = np.quantile(values, [max(share - 2e-4, 0), min(share + 2e-4, 1)])
        width = 1.01 / 1024 * np.abs(near)
        assert near[0] - width[0] <= found <= near[1] + width[1]


def test_sketches_merge_to_the_same_bits_in_any_order() -> None:
    values = stats.lognorm(0.4, scale=1e8).rvs(20 * 1000, random_state=1)
    values[::77] = np.nan
    values[5::1000] = np.inf
    parts = []
    for block in values.reshape(20, -1):
        part = Sketch((1e8,))
        part.add(block)
        parts.append(part)

    def merged(order: list[int]) -> list[object]:
        whole = Sketch((1e8,))
        for n in order:
            whole.merge(parts[n])
        return [whole.n, whole.without, whole.mean, whole.sd, whole.skew, whole.above, whole.quantiles([0.1, 0.5, 0.9])]

    rng = np.random.default_rng(1)
    first = merged(list(range(20)))
    assert all(merged(rng.permutation(20).tolist()) == first for _ in range(5))
    finite = np.isfinite(values)
    assert first[:2] == [finite.sum(), (~finite).sum()]


def test_nothing_and_one_value_have_no_spread() -> None:
    empty = Sketch()
    empty.add(np.array([np.nan]))
    assert (empty.n, empty.without) == (0, 1)
    assert all(math.isnan(x) for x in (empty.mean, empty.sd, empty.skew, *empty.quantiles([0.5])))
    one = Sketch()
    one.add(np.array([5.0]))
    assert (one.mean, one.skew, one.quantiles([0.1, 0.9])) == (5, 0, [5, 5])
    assert math.isnan(one.sd)


def test_exceedance_counts_and_draws_without_a_result_are_said(tmp_path: Path, capsys) -> None:
    # It never pays back where renting costs less a month than owning.
    path = tmp_path / "case.toml"
    rent = 'cloud_usd_month = { dist = "uniform", low = 500, high = 1500 }'
    path.write_text(f"[inputs]\nupfront_usd = 30000\nown_usd_month = 1000\n{rent}\n")
    argv = ["sweep", "breakeven_months", "--cases", str(path), "-n", "4096", "--method", "sobol", "--budget", "120"]
    assert cli.main([*argv, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["without_result"] == pytest.approx(2048, abs=2)
    assert found["exceedance"][0]["probability"] == pytest.approx(0.5, abs=0.002)
    assert found["quantiles"]["p50"] == pytest.approx(120, rel=0.01)
    assert cli.main(argv) == 0
    assert "draws have no finite result and are not in these numbers" in capsys.readouterr().out
    path.write_text(f"[inputs]\nupfront_usd = 30000\nown_usd_month = 2000\n{rent}\n")
    assert cli.main([*argv, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["without_result"], found["mean"], found["quantiles"]["p50"]) == (4096, None, None)
    assert cli.main(argv) == 0
    assert "no draw has a finite result" in capsys.readouterr().out


# -- what it tells ----------------------------------------------------------------------------------------------
def test_a_grid_has_every_combination_once(capsys) -> None:
    inputs = {
        "params_b": [70, 405],
        "tokens_t": {"low": 1, "high": 100, "steps": 3, "scale": "log"},
        "peak_tflops": 989.4,
        "mfu": {"low": 0.2, "high": 0.4, "steps": 3},
        "usd_per_gpu_hour": 2,
    }
    result = xl_econ.sweep("train_cost", {"inputs": inputs})
    expected = [
        6 * p * 1e9 * t * 1e12 / (989.4e12 * m * 3600) * 2
        for p, t, m in itertools.product([70, 405], [1, 10, 100], [0.2, 0.3, 0.4])
    ]
    np.testing.assert_allclose(result.gathered.values["train_cost"], expected, rtol=1e-12)
    assert (result.plan.method, result.plan.n) == ("grid", 18)
    found = result.as_json()
    assert (found["target"], found["seed"]) == ("TRAIN_COST", None)  # however the name is spelt
    assert set(found["standard_errors"].values()) == {None}


def test_a_grid_has_no_seed_to_print(tmp_path: Path, capsys) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(TOML.replace(TOML[TOML.index("mfu =") :], "mfu = [0.3, 0.4]\nusd_per_gpu_hour = [2, 3, 4]\n"))
    for more in ([], ["--dry-run"]):
        assert cli.main(["sweep", "train_cost", "--cases", str(path), *more]) == 0
        said = capsys.readouterr().out
        assert "(grid)" in said
        assert "seed" not in said
        assert "standard errors" not in said


def test_the_report_has_the_keys_that_scripts_read(case: Path, capsys) -> None:
    argv = [
        "sweep",
        "TRAIN_COST",
        "--cases",
        str(case),
        "-n",
        "2e4",
        "--seed",
        "3",
        "--budget",
        "1e8",
        "--budget",
        "2e8",
    ]
    assert cli.main([*argv, "--quantiles", "p10,0.5,90%", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["seed"], list(found["quantiles"])) == (20_000, 3, ["p10", "p50", "p90"])
    hours_at_full_speed = 6 * 405e9 * 15.6e12 / (989.4e12 * 3600)
    price = stats.lognorm(math.log(3.9 / 1.9) / 2 / stats.norm.ppf(0.9), scale=math.sqrt(1.9 * 3.9)).mean()
    mean = hours_at_full_speed * stats.triang(0.18 / 0.26, 0.2, 0.26).expect(lambda x: 1 / x) * price
    assert found["mean"] == pytest.approx(mean, rel=0.01)
    assert [e["budget"] for e in found["exceedance"]] == [1e8, 2e8]
    last = found["convergence"][-1]
    assert last["n"] == 20_000
    assert last["mean_se"] == pytest.approx(found["sd"] / math.sqrt(20_000))
    assert last["p50"] == found["quantiles"]["p50"]
    errors = found["standard_errors"]
    assert errors == {"mean": last["mean_se"], "p10": errors["p10"], "p50": last["p50_se"], "p90": last["p90_se"]}
    assert cli.main([*argv, "--quantiles", "p1,p99"]) == 0
    told = [line.split()[0] for line in capsys.readouterr().out.splitlines() if "+/- " in line]
    assert told == ["mean", "P1", "P99"]
    assert cli.main([*argv, "--result", "train_cost", "--result", "gpu_hours"]) == 0
    first, second = capsys.readouterr().out.split("gpu_hours, 20,000 draws")
    assert ("P(above 100,000,000)" in first, "P(above" in second) == (True, False)
    assert ("standard errors" in first, "standard errors" in second) == (True, True)
    assert cli.main(argv) == 0
    printed = capsys.readouterr()
    assert "P50" in printed.out
    assert "P(above 100,000,000)" in printed.out
    assert printed.err == ""


def test_the_standard_errors_are_those_of_many_sweeps(case: Path) -> None:
    found = [xl_econ.sweep("train_cost", case, 4000, seed=s).as_json() for s in range(60)]
    for key in ("mean", "p5", "p50", "p90"):
        values = [f["mean"] if key == "mean" else f["quantiles"][key] for f in found]
        told = np.mean([f["standard_errors"][key] for f in found])
        assert told == pytest.approx(np.std(values, ddof=1), rel=0.35)


def test_a_truncated_distribution_is_told(case: Path, capsys) -> None:
    case.write_text(TOML + 'overhead = { dist = "normal", mean = 0.1, sd = 0.1, min = 0 }\n')
    assert cli.main(["sweep", "train_cost", "--cases", str(case), "-n", "100"]) == 0
    assert "overhead: 0.16 of its distribution lies beyond min and max" in capsys.readouterr().err


def test_a_chain_and_a_template_are_swept(tmp_path: Path, capsys) -> None:
    path = tmp_path / "chain.toml"
    path.write_text(
        '[steps]\nhours = "GPU_HOURS(TRAIN_FLOP(params_b, tokens_t), peak_tflops, mfu)"\n'
        'usd = "hours * usd_per_gpu_hour"\n'
        "[inputs]\nparams_b = 405\ntokens_t = 15.6\npeak_tflops = 989.4\nmfu = [0.38, 0.41]\nusd_per_gpu_hour = 2.5\n"
    )
    assert cli.main(["sweep", "my_chain", "--cases", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    exact = [6 * 405e9 * 15.6e12 / (989.4e12 * m * 3600) * 2.5 for m in (0.38, 0.41)]
    assert (found["min"], found["max"]) == pytest.approx((exact[1], exact[0]), rel=1e-12)
    path.write_text('[inputs]\nmfu = { dist = "uniform", low = 0.35, high = 0.45 }\n')
    argv = ["sweep", "training_budget", "--cases", str(path), "-n", "500", "--json"]
    assert cli.main([*argv, "--result", "run_usd", "--result", "gpu_hours"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["output"], list(found["outputs"])) == ("run_usd", ["gpu_hours"])


# -- files ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_draws_are_written_whole_with_inputs_and_results(case: Path, tmp_path: Path, kind: str, capsys) -> None:
    import pandas as pd

    path = tmp_path / f"draws.{kind}"
    argv = ["sweep", "train_cost", "--cases", str(case), "-n", str(BLOCK + 100), "--draws", str(path)]
    assert cli.main([*argv, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    table = pd.read_parquet(path) if kind == "parquet" else pd.read_csv(path)
    assert list(table) == ["mfu", "usd_per_gpu_hour", "train_cost"]
    assert len(table) == BLOCK + 100
    cost = xl_econ.train_cost(405, 15.6, 989.4, table["mfu"], table["usd_per_gpu_hour"])
    pd.testing.assert_series_equal(cost, table["train_cost"], check_names=False, rtol=1e-14)
    assert np.quantile(table["train_cost"], 0.9) == pytest.approx(found["quantiles"]["p90"], rel=1e-14)
    assert cli.main(argv) == 2
    assert "exists; --force replaces it" in capsys.readouterr().err
    assert cli.main([*argv, "--force"]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["case.toml", path.name]


def test_what_interrupts_a_sweep_leaves_no_half_file_and_a_state(
    case: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    base = ["sweep", "train_cost", "--cases", str(case), "-n", str(20 * BLOCK), "--json"]
    assert cli.main(base) == 0
    whole = capsys.readouterr().out
    take, count = sweeps.Gathered.take, itertools.count()

    def interrupted(self: sweeps.Gathered, part: sweeps.Part) -> None:
        if next(count) == 3:
            raise KeyboardInterrupt
        take(self, part)

    monkeypatch.setattr(sweeps.Gathered, "take", interrupted)
    assert cli.main([*base, "--draws", str(tmp_path / "d.csv")]) == 130
    assert [p.name for p in tmp_path.iterdir()] == ["case.toml"]
    count = itertools.count()
    assert cli.main([*base, "--state", str(tmp_path / "s.json")]) == 130
    assert "--resume goes on from there" in capsys.readouterr().err
    monkeypatch.undo()
    assert cli.main([*base, "--state", str(tmp_path / "s.json")]) == 2
    assert "exists" in capsys.readouterr().err
    assert cli.main([*base, "--state", str(tmp_path / "s.json"), "--resume"]) == 0
    assert capsys.readouterr().out == whole
    assert [p.name for p in tmp_path.iterdir()] == ["case.toml"]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_draws_of_an_interrupted_sweep_go_on_with_its_state(
    case: Path, tmp_path: Path, kind: str, monkeypatch, capsys
) -> None:
    import pandas as pd

    base = ["sweep", "train_cost", "--cases", str(case), "-n", str(20 * BLOCK), "--json"]
    assert cli.main([*base, "--draws", str(tmp_path / f"whole.{kind}")]) == 0
    report = capsys.readouterr().out
    path, state = tmp_path / f"d.{kind}", tmp_path / "s.json"
    kept = [*base, "--draws", str(path), "--state", str(state)]
    count, take = itertools.count(), sweeps.Gathered.take

    def interrupted(self: sweeps.Gathered, part: sweeps.Part) -> None:
        if next(count) == 3:  # this part is written, and does not count
            raise KeyboardInterrupt
        take(self, part)

    monkeypatch.setattr(sweeps.Gathered, "take", interrupted)
    assert cli.main(kept) == 130
    monkeypatch.undo()
    stop = json.loads(state.read_text())["stop"]
    assert [p.name for p in tmp_path.glob("d.*")] == [f"d.{kind}.parts"]
    parts = sorted(p.stem for p in (tmp_path / f"d.{kind}.parts").iterdir())
    assert int(parts[-2].split("-")[1]) == stop < int(parts[-1].split("-")[1])
    capsys.readouterr()
    assert cli.main([*base, "--state", str(state), "--resume"]) == 3  # without the draws that it began with
    assert "is the state of another sweep" in capsys.readouterr().err
    assert cli.main([*kept[:-3], str(tmp_path / f"other.{kind}"), "--state", str(state), "--resume"]) == 3
    assert "the draws that the state counts are not there" in capsys.readouterr().err
    assert cli.main([*kept, "--resume"]) == 0
    assert capsys.readouterr().out == report
    read_table = pd.read_parquet if kind == "parquet" else pd.read_csv
    pd.testing.assert_frame_equal(read_table(path), read_table(tmp_path / f"whole.{kind}"), check_exact=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["case.toml", path.name, f"whole.{kind}"]


def test_draws_interrupted_before_any_part_counts_leave_nothing(case: Path, tmp_path: Path, monkeypatch) -> None:
    def interrupted(self: sweeps.Gathered, part: sweeps.Part) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeps.Gathered, "take", interrupted)
    argv = ["sweep", "train_cost", "--cases", str(case), "--draws", str(tmp_path / "d.csv")]
    assert cli.main([*argv, "--state", str(tmp_path / "s.json")]) == 130
    assert [p.name for p in tmp_path.iterdir()] == ["case.toml"]


def test_a_part_that_is_half_taken_is_in_no_state(case: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    base = ["sweep", "train_cost", "--cases", str(case), "-n", str(20 * BLOCK), "--json"]
    assert cli.main(base) == 0
    whole = capsys.readouterr().out
    count, merge = itertools.count(), Sketch.merge

    def interrupted(self: Sketch, other: Sketch) -> None:
        if next(count) == 3:
            raise KeyboardInterrupt
        merge(self, other)

    monkeypatch.setattr(Sketch, "merge", interrupted)
    monkeypatch.setattr("xl_econ.commands.sweep._SAVE_SECONDS", 0)
    kept = [*base, "--state", str(tmp_path / "s.json")]
    assert cli.main(kept) == 130
    monkeypatch.undo()
    done = min(json.loads((tmp_path / "s.json").read_text())["stop"], 20) * BLOCK
    assert f"s.json: {done:,} of {20 * BLOCK:,} draws; --resume" in capsys.readouterr().err
    assert cli.main([*kept, "--resume"]) == 0
    assert capsys.readouterr().out == whole


def test_a_dry_run_says_what_would_run(case: Path, tmp_path: Path, capsys) -> None:
    argv = [
        "sweep",
        "train_cost",
        "--cases",
        str(case),
        "-n",
        "1e9",
        "--dry-run",
        "--draws",
        str(tmp_path / "d.parquet"),
    ]
    assert cli.main([*argv, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["draws_bytes"], found["kept_bytes"]) == (10**9, 3 * 8 * 10**9, 0)
    assert found["seconds"] > 1
    assert cli.main(argv) == 0
    said = capsys.readouterr().out
    assert "1,000,000,000 (mc, seed 0)" in said
    assert not re.search(r"\d\.\d{7}", said)  # no digits that nobody reads
    assert [p.name for p in tmp_path.iterdir()] == ["case.toml"]


def test_a_table_says_what_the_other_formats_say(tmp_path: Path) -> None:
    rows = [
        ["key", "value", "dist", "low", "mode", "high", "steps", "p10", "p90", "values", "weights"],
        ["params_b", "405"],
        ["tokens_t", "", "", "", "", "", "", "", "", "12; 15"],
        ["peak_tflops", "", "", "900", "", "1000", "3"],
        ["mfu", "", "triangular", "20%", "38%", "46%"],
        ["usd_per_gpu_hour", "", "lognormal", "", "", "", "", "1.9", "3.9"],
        ["goodput", "", "discrete", "", "", "", "", "", "", "0.8; 0.9", "1; 3"],
        ["mfu ~ usd_per_gpu_hour", "-0.4"],
    ]
    rows = [row + [""] * (11 - len(row)) for row in rows]
    with (tmp_path / "case.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    book = openpyxl.Workbook()
    book.active.append(["My case"])
    sheet = book.create_sheet("Uncertain")
    for row in [[], ["", "title"], *rows]:
        sheet.append([None, *(float(c) if c.replace(".", "").replace("-", "").isdigit() else c or None for c in row)])
    book.save(tmp_path / "case.xlsx")
    (tmp_path / "case.toml").write_text(
        "[inputs]\nparams_b = 405\ntokens_t = [12, 15]\npeak_tflops = { low = 900, high = 1000, steps = 3 }\n"
        'mfu = { dist = "triangular", low = 0.2, mode = 0.38, high = 0.46 }\n'
        'usd_per_gpu_hour = { dist = "lognormal", p10 = 1.9, p90 = 3.9 }\n'
        'goodput = { dist = "discrete", values = [0.8, 0.9], weights = [1, 3] }\n'
        '[[correlations]]\nof = ["mfu", "usd_per_gpu_hour"]\nrank = -0.4\n'
    )
    found = [read(tmp_path / f"case.{kind}", "train_cost") for kind in ("toml", "csv", "xlsx")]
    assert found[0] == found[1] == found[2]
    assert found[0].varied[1][1].values == (900, 950, 1000)


# -- refused ----------------------------------------------------------------------------------------------------
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
def test_an_option_that_cannot_be_is_refused(case: Path, extra: list[str], code: int, said: str, capsys) -> None:
    assert cli.main(["sweep", "train_cost", "--cases", str(case), *extra]) == code
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


def test_a_missing_package_is_one_line(case: Path, monkeypatch, capsys, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert cli.main(["sweep", "train_cost", "--cases", str(case), "--draws", str(tmp_path / "d.parquet")]) == 2
    assert "pip install 'xl-econ[scenarios]'" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert cli.main(["sweep", "train_cost", "--cases", str(case), "--engine", "dask"]) == 4
    assert "pip install 'xl-econ[dask]'" in capsys.readouterr().err


def test_usage_errors_of_the_function_are_ours() -> None:
    with pytest.raises(UsageError, match="did you mean 'TRAIN_COST'"):
        xl_econ.sweep("train_cots", {"inputs": {"mfu": [0.4, 0.5]}})
