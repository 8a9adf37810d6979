"""Distributions are what they say: against scipy's, by both ways of drawing, from parameters and from quantiles."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from xl_econ.core.errors import InputError
from xl_econ.scenarios.parameters import distribution

N = 100_000
PERT = stats.beta(1 + 4 * 0.75, 1 + 4 * 0.25, loc=0.2, scale=0.4)  # mode 0.5 of 0.2 ... 0.6
GIVEN = {
    "normal": ({"dist": "normal", "mean": 3, "sd": 0.5}, stats.norm(3, 0.5)),
    "normal p": ({"dist": "normal", "p10": 1, "p90": 3}, stats.norm(2, 1 / stats.norm.ppf(0.9))),
    "normal mean p": ({"dist": "normal", "mean": 2, "p95": 3}, stats.norm(2, 1 / stats.norm.ppf(0.95))),
    "lognormal": (
        {"dist": "lognormal", "mean": 3, "sd": 1},
        stats.lognorm(np.sqrt(np.log(10 / 9)), scale=3 / np.sqrt(10 / 9)),
    ),
    "lognormal p": (
        {"dist": "lognormal", "p10": 1.9, "p90": 3.9},
        stats.lognorm(np.log(3.9 / 1.9) / 2 / stats.norm.ppf(0.9), scale=np.sqrt(1.9 * 3.9)),
    ),
    "lognormal mean median": (
        {"dist": "lognormal", "mean": 3, "median": 2.5},
        stats.lognorm(np.sqrt(2 * np.log(1.2)), scale=2.5),
    ),
    "uniform": ({"dist": "uniform", "low": 2, "high": 5}, stats.uniform(2, 3)),
    "uniform p": ({"dist": "uniform", "p10": 1, "p90": 9}, stats.uniform(0, 10)),
    "triangular": (
        {"dist": "triangular", "low": 0.2, "mode": 0.38, "high": 0.46},
        stats.triang(0.18 / 0.26, 0.2, 0.26),
    ),
    "triangular left": ({"dist": "triangular", "low": 1, "mode": 1, "high": 2}, stats.triang(0, 1, 1)),
    "triangular right": ({"dist": "triangular", "low": 1, "mode": 2, "high": 2}, stats.triang(1, 1, 1)),
    "pert": ({"dist": "pert", "low": 0.2, "mode": 0.5, "high": 0.6}, PERT),
    "truncated": ({"dist": "normal", "mean": 0, "sd": 1, "min": -0.5, "max": 2}, stats.truncnorm(-0.5, 2)),
    "truncated above": ({"dist": "lognormal", "mean": 3, "sd": 1, "max": 3}, None),
}


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("way", ["inverse", "normal", "generator"])
def test_draws_pass_kolmogorov_smirnov_against_scipy(name: str, way: str) -> None:
    found, theirs = GIVEN[name]
    d = distribution(found)
    rng = np.random.Generator(np.random.PCG64DXSM(7))
    n = N if "pert" not in name else 20_000
    draw = {
        "inverse": lambda: d.of_uniform(rng.random(n)),
        "normal": lambda: d.of_normal(rng.standard_normal(n)),
        "generator": lambda: d.draw(rng, np.empty(n), np.empty(n)),
    }[way]
    drawn = draw()
    if theirs is None:  # what is left of a lognormal below 3
        whole = stats.lognorm(np.sqrt(np.log(10 / 9)), scale=3 / np.sqrt(10 / 9))
        assert stats.kstest(drawn, lambda x: np.minimum(whole.cdf(x) / whole.cdf(3), 1)).pvalue > 1e-3
    else:
        assert stats.kstest(drawn, theirs.cdf).pvalue > 1e-3
    low, high = d.support
    assert low <= drawn.min()
    assert drawn.max() <= high


@pytest.mark.parametrize("name", [n for n, (_, theirs) in GIVEN.items() if theirs is not None])
def test_shares_and_quantiles_are_scipys(name: str) -> None:
    found, theirs = GIVEN[name]
    d = distribution(found)
    shares = np.array([1e-6, 0.01, 0.1, 0.5, 0.9, 0.99, 1 - 1e-6])
    np.testing.assert_allclose(d.of_uniform(shares.copy()), theirs.ppf(shares), rtol=1e-9)
    for x in theirs.ppf(shares):
        assert d.cdf(x) == pytest.approx(theirs.cdf(x), rel=1e-9, abs=1e-15)
        assert d.sf(x) == pytest.approx(theirs.sf(x), rel=1e-6, abs=1e-15)


@pytest.mark.parametrize("kind", ["triangular", "pert"])
@pytest.mark.parametrize(("low", "mode", "high"), [(0, 3, 10), (1, 3, 9), (-2, 5, 6)])
def test_quantiles_around_a_mode_give_the_ends_back(kind: str, low: float, mode: float, high: float) -> None:
    share = (mode - low) / (high - low)
    theirs = (
        stats.triang(share, low, high - low)
        if kind == "triangular"
        else stats.beta(1 + 4 * share, 5 - 4 * share, loc=low, scale=high - low)
    )
    p10, p90 = theirs.ppf([0.1, 0.9])
    d = distribution({"dist": kind, "mode": mode, "p10": p10, "p90": p90})
    assert d.support == pytest.approx((low, high), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"dist": "triangle", "low": 1}, "did you mean 'triangular'"),
        ({"dist": "gauss"}, "there are normal, lognormal, triangular, pert, uniform, discrete"),
        (
            {"dist": "normal", "mean": 1},
            "normal takes mean and sd; or mean and a quantile (p90); or two quantiles (p10, p90); given is mean",
        ),
        ({"dist": "normal", "mean": 1, "stdev": 2}, "no parameter 'stdev'"),
        ({"dist": "normal", "mean": 1, "sd": 0}, "sd = 0: must be above 0"),
        ({"dist": "normal", "mean": 1, "sd": -1}, "sd = -1: must be above 0"),
        ({"dist": "normal", "mean": 1, "p90": 0.5}, "do not decide"),
        ({"dist": "normal", "mean": 1, "median": 1}, "do not decide"),
        ({"dist": "lognormal", "p10": 3.9, "p90": 1.9}, "p10 = 3.9 must be below p90 = 1.9"),
        ({"dist": "lognormal", "p10": 2, "p90": 2}, "p10 = 2 must be below p90 = 2"),
        ({"dist": "lognormal", "p10": -1, "p90": 2}, "p10 = -1: a lognormal number is above 0"),
        ({"dist": "lognormal", "mean": 2, "median": 3}, "above which it lies"),
        ({"dist": "triangular", "low": 0.5, "mode": 0.3, "high": 0.6}, "low = 0.5 is above mode = 0.3"),
        ({"dist": "triangular", "low": 0.2, "mode": 0.7, "high": 0.6}, "mode = 0.7 is above high = 0.6"),
        ({"dist": "triangular", "low": 1, "mode": 1, "high": 1}, "low = 1 must be below high = 1"),
        ({"dist": "triangular", "mode": 5, "p10": 1, "p90": 4}, "mode 5 must lie between"),
        ({"dist": "uniform", "low": 2, "high": 1}, "low = 2 is above high = 1"),
        ({"dist": "uniform", "p0": 2, "p90": 1}, "no parameter 'p0'"),
        ({"dist": "normal", "mean": 0, "sd": 1, "min": 2, "max": 1}, "min = 2 must be below max = 1"),
        ({"dist": "normal", "mean": 0, "sd": 1, "min": 9}, "lies between min and max"),
    ],
)
def test_parameters_that_decide_nothing_are_refused(found: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as e:
        distribution(found)
    assert said in str(e.value)
    assert "\n" not in str(e.value)
