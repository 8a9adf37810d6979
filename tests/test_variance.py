"""The bridge from budget to actual: its effects sum to the whole difference, whatever the lines."""

import random

import pytest

import xl_econ
from xl_econ.templates import fill, layout
from xl_econ.templates.model import Model


def lines(rng, count):
    used = [rng.uniform(1, 1e6) for _ in range(count)]
    prices = [round(rng.uniform(0.2, 15), 4) for _ in range(count)]
    factors = [1 / rng.uniform(0.05, 1) for _ in range(count)]
    return used, prices, factors


@pytest.mark.parametrize("seed", range(100))
def test_the_effects_sum_to_the_difference_to_the_cent(seed):
    rng = random.Random(seed)
    count = rng.randint(1, 12)
    (u0, p0, f0), (u1, p1, f1) = lines(rng, count), lines(rng, count)
    effects = [
        xl_econ.volume_effect(u0, u1, p0, f0),
        xl_econ.mix_effect(u0, u1, p0, f0),
        xl_econ.utilization_effect(u1, p0, f0, f1),
        xl_econ.price_effect(u1, p0, p1, f1),
    ]
    difference = xl_econ.lines_spend(u1, p1, f1) - xl_econ.lines_spend(u0, p0, f0)
    assert abs(sum(effects) - difference) < 0.005


@pytest.mark.parametrize("seed", range(10))
def test_the_sheet_sums_to_the_cent(seed):
    rng = random.Random(seed)
    template = layout.load("ai_spend_variance")
    given = {}
    for line in range(1, 7):
        for what in ("budget_", ""):
            used = rng.uniform(1, 1e6)
            given |= {f"{what}used_{line}": used, f"{what}paid_{line}": used / rng.uniform(0.05, 1)}
        given |= {f"budget_price_{line}": rng.uniform(0.2, 15)}
        given |= {f"cost_{line}": round(given[f"paid_{line}"] * rng.uniform(0.2, 15), 2)}
    model = Model(template, given=dict.fromkeys(("Base", "Low", "High"), given))
    assert model.value("off_cents") == 0
    assert not [c.label for c in model.checks if c.flag and c.severity == "check"]
    parts = ("volume_usd", "mix_usd", "utilization_usd", "price_usd", "other_usd")
    assert abs(sum(map(model.value, parts)) - model.value("difference_usd")) < 0.005


def test_one_thing_moves_one_effect():
    used, prices, factors = [1000.0, 500.0], [2.5, 4.0], [1.25, 2.0]
    twice = [2000.0, 1000.0]
    assert xl_econ.volume_effect(used, twice, prices, factors) == xl_econ.lines_spend(used, prices, factors)
    assert xl_econ.mix_effect(used, twice, prices, factors) == 0
    assert xl_econ.mix_effect(used, [500.0, 1000.0], prices, factors) > 0  # toward the dearer line
    assert xl_econ.volume_effect(used, [500.0, 1000.0], prices, factors) == 0
    assert xl_econ.utilization_effect(used, prices, factors, factors) == 0
    assert xl_econ.price_effect(used, prices, [2.0, 4.0], factors) == -625.0


def test_a_line_that_is_new_or_gone():
    template = layout.load("ai_spend_variance")
    case = fill.read(layout.folder() / "cases" / "ai_spend_variance" / "aws_price_cut.toml", template)[0]
    model = fill.model(template, case)
    assert model.value("off_cents") == 0
    assert model.value("price_usd") < 0 < model.value("volume_usd")


def test_fx_and_the_months_to_go_by_hand():
    assert xl_econ.fx_effect([1000.0, 500.0], [1.0, 1.5], [1.0, 1.25]) == -125.0
    assert xl_econ.forecast_to_go(1000.0, 5) == 5000.0
    assert xl_econ.forecast_to_go(1000.0, 0, 0.1) == 0.0
    assert xl_econ.forecast_to_go(1000.0, 3, 0.5) == 1500 + 2250 + 3375
