"""Commitments: the load-duration curve against sums over its hours."""

import pytest

import xl_econ
from xl_econ.templates import layout
from xl_econ.templates.model import Model


@pytest.mark.parametrize("peak_to_mean", [1.0, 1.2, 1.7, 2.0])
@pytest.mark.parametrize("committed", [0.0, 100.0, 300.0, 500.0, 650.0, 2000.0])
def test_overflow_is_the_mean_over_the_hours(committed, peak_to_mean):
    mean, hours = 500.0, 20_000
    demand = [mean * (1 + (peak_to_mean - 1) * (2 * (n + 0.5) / hours - 1)) for n in range(hours)]
    overflow = sum(max(d - committed, 0) for d in demand) / hours
    assert xl_econ.elastic_overflow(mean, committed, peak_to_mean) == pytest.approx(overflow, abs=1e-4)
    assert xl_econ.committed_use(mean, committed, peak_to_mean) == pytest.approx(mean - overflow, abs=1e-4)


def test_the_last_committed_gpu_pays_at_its_break_even():
    """At the cheapest level one more GPU is used as often as its price is of the elastic price."""
    model = Model(layout.load("commitment_mix"), given={"Base": {"spot_share": 0, "growth": 0}})
    costs = {}
    for level in range(200, 800):
        given = {"Base": {"spot_share": 0, "growth": 0, "committed_gpus": level}}
        costs[level] = Model(layout.load("commitment_mix"), given=given).value("total_usd") if level % 40 == 0 else None
    cheapest = min((v, k) for k, v in costs.items() if v)[1]
    used_above = (480 * 1.4 - cheapest) / (480 * 0.8)
    assert used_above == pytest.approx(model.value("breakeven_use"), abs=0.06)
