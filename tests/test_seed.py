"""The seed's tables, verbatim, against the inverse MFU."""

import pytest

import xl_econ
from xl_econ.tables.store import TABLES

ROWS = TABLES["seed_training_benchmarks"].rows
# model, text of the hours, MFU that they imply (6ND / (hours x 3600 x dense peak), worked out by hand)
IMPLIED = [
    ("GPT-3", "~3,500 A100-hours", 80.128205),
    ("Llama 2 70B", "~1.7M A100-hours", 0.4399195),
    ("Llama 3 405B", "~30M H100-hours", 0.3411159),
    ("Frontier models (2025)", "~50-100M H100-eq hours", 0.5053568),
]


@pytest.mark.parametrize(("model", "text", "implied"), IMPLIED)
def test_implied_mfu(model, text, implied):
    row = ROWS[model]
    assert row.gpu_hours_text == text
    flop = xl_econ.train_flop(row.params_b, row.tokens_t)
    found = xl_econ.mfu(flop, row.gpu_hours, row.peak_tflops)
    assert found == pytest.approx(implied, rel=1e-6)
    assert (found > 1) == (model == "GPT-3"), "only GPT-3's hours are impossible"


def test_gpt_3_is_flagged_at_8013_percent():
    row = ROWS["GPT-3"]
    found = xl_econ.mfu(xl_econ.train_flop(row.params_b, row.tokens_t), row.gpu_hours, row.peak_tflops)
    assert f"{found:,.0%}" == "8,013%"
    # the paper's own unit explains the slip: 3.15E23 FLOP are 3,646 petaFLOP/s-days
    assert xl_econ.train_flop(175, 0.3) / (1e15 * 86_400) == pytest.approx(3645.83, abs=0.01)


def test_published_runs_are_possible():
    for row in TABLES["training_runs"].rows.values():
        if row.tokens_t and row.gpu_hours:
            found = xl_econ.mfu(xl_econ.train_flop(row.params_b, row.tokens_t), row.gpu_hours, row.peak_tflops)
            assert 0.03 < found < 0.6, row.model


def test_mfu_table_and_saving_as_the_seed_says():
    assert xl_econ.mfu_saving(0.30, 0.40) == pytest.approx(0.25)
    for gpus, low, high in ((1, 0.50, 0.65), (8, 0.45, 0.55), (256, 0.35, 0.50), (10_000, 0.25, 0.40)):
        assert (xl_econ.mfu_typical(gpus, "low"), xl_econ.mfu_typical(gpus, "high")) == (low, high)


def test_shares_of_cost_sum_to_one_at_their_midpoints():
    rows = [r for r in TABLES["cost_components"].rows.values() if r.share_low is not None]
    assert sum((r.share_low + r.share_high) / 2 for r in rows) == pytest.approx(1.0)
    assert TABLES["cost_components"].rows["Memory (HBM)"].share_low is None
