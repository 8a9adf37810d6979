"""Sweeps: the same bits wherever they run, right statistics, what they tell."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sweep_case import CASE, INPUTS, RANDOM, TOML, swept

import xl_econ
from xl_econ import cli
from xl_econ.core.errors import InputError
from xl_econ.engines import engine
from xl_econ.scenarios import plan as plans
from xl_econ.scenarios import run as sweeps
from xl_econ.scenarios.cases import study
from xl_econ.scenarios.draws import BLOCK, Draws, Permutation
from xl_econ.scenarios.sketch import Sketch
from xl_econ.scenarios.state import load, save


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


def test_the_report_has_the_keys_that_scripts_read(case_file: Path, capsys) -> None:
    argv = [
        "sweep",
        "TRAIN_COST",
        "--cases",
        str(case_file),
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


def test_the_standard_errors_are_those_of_many_sweeps(case_file: Path) -> None:
    found = [xl_econ.sweep("train_cost", case_file, 4000, seed=s).as_json() for s in range(60)]
    for key in ("mean", "p5", "p50", "p90"):
        values = [f["mean"] if key == "mean" else f["quantiles"][key] for f in found]
        told = np.mean([f["standard_errors"][key] for f in found])
        assert told == pytest.approx(np.std(values, ddof=1), rel=0.35)


def test_a_truncated_distribution_is_told(case_file: Path, capsys) -> None:
    case_file.write_text(TOML + 'overhead = { dist = "normal", mean = 0.1, sd = 0.1, min = 0 }\n')
    assert cli.main(["sweep", "train_cost", "--cases", str(case_file), "-n", "100"]) == 0
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
