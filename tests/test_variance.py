"""The bridge from budget to actual: its effects sum to the whole difference, whatever the lines."""

import random

import openpyxl
import pytest

import xl_econ
from xl_econ.templates import build, fill, layout
from xl_econ.templates.compiled import Blank
from xl_econ.templates.compute import Calculator


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


CALCULATOR = Calculator(layout.load("ai_spend_variance"))


@pytest.mark.parametrize("seed", range(100))
def test_the_template_sums_to_the_cent(seed):
    rng = random.Random(seed)
    given = {"other_budget_usd": round(rng.uniform(0, 1e6), 2), "other_actual_usd": round(rng.uniform(0, 1e6), 2)}
    for line in range(1, 7):
        for what in ("budget_", ""):
            used = rng.uniform(1, 1e6)
            given |= {f"{what}used_{line}": used, f"{what}paid_{line}": used / rng.uniform(0.05, 1)}
        given |= {f"budget_price_{line}": rng.uniform(0.2, 15)}
        given |= {f"cost_{line}": round(given[f"paid_{line}"] * rng.uniform(0.2, 15), 2)}
        given |= {f"budget_fx_{line}": (rate := rng.uniform(0.5, 2)), f"fx_{line}": rate * rng.uniform(0.6, 1.6)}
    found = CALCULATOR(fill.Case("x", values=dict.fromkeys(("Base", "Low", "High"), given)))
    held = found.values["Base"]
    actual = sum(given[f"cost_{n}"] * given[f"fx_{n}"] for n in range(1, 7)) + given["other_actual_usd"]
    budget = sum(given[f"budget_price_{n}"] * given[f"budget_paid_{n}"] for n in range(1, 7))
    difference = actual - budget - given["other_budget_usd"]
    effects = ("volume_usd", "mix_usd", "utilization_usd", "price_usd", "fx_usd", "other_usd")
    assert abs(sum(held[key] for key in effects) - difference) < 0.005
    assert held["off_cents"] == 0
    lines = sum(held[f"line_difference_{n}"] for n in range(1, 7))
    assert abs(lines + held["other_usd"] - difference) < 0.005
    failed = [c.label for c, v in zip(CALCULATOR.model.checks, found.checks, strict=True) if not _passes(c, v)]
    assert not failed


def _passes(check, values):
    return check.severity == "info" or all(check.low <= x <= check.high for x in values.values())


def test_a_comment_stands_beside_its_effect_and_a_service_names_its_line(tmp_path):
    """Linked, so that a word typed into the Inputs sheet stands on the page; the compiled workbook says the same."""
    template = layout.load("ai_spend_variance")
    case = fill.read(layout.folder() / "cases" / "ai_spend_variance" / "aws_price_cut.toml", template)[0]
    build.build(fill.model(template, case), tmp_path / "built.xlsx", texts=case.texts)
    blank = Blank(template)
    blank.write(blank.calculator(case), tmp_path / "compiled.xlsx")
    for path in tmp_path.glob("*.xlsx"):
        book = openpyxl.load_workbook(path, data_only=True)
        rows = {r[1].value: r for r in book["Results"].iter_rows(min_row=5, max_row=30)}
        assert rows["Price"][7].value.startswith("AWS cut P5 from 98.32")
        assert (
            rows["AWS p5.48xlarge on demand (H100): actual less budget"][7].value
            == "Price cut; more hours, better used"
        )
        formulas = openpyxl.load_workbook(path)["Results"]
        assert formulas[rows["Price"][7].coordinate].value.startswith("=Inputs!")


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
    assert model.value("year_budget_usd") == 12 * 808100


def test_fx_and_the_months_to_go_by_hand():
    assert xl_econ.fx_effect([1000.0, 500.0], [1.0, 1.5], [1.0, 1.25]) == -125.0
    assert xl_econ.forecast_to_go(1000.0, 5) == 5000.0
    assert xl_econ.forecast_to_go(1000.0, 0, 0.1) == 0.0
    assert xl_econ.forecast_to_go(1000.0, 3, 0.5) == 1500 + 2250 + 3375
