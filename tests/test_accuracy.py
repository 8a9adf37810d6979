"""How right the figures are: runs have a class or a reason, points of inference stand in the tables, goals are met."""

import importlib
import math
import statistics
from pathlib import Path

import numpy as np
import pytest

import xl_econ
from xl_econ.tables.store import TABLES

BENCH = Path(__file__).parents[1] / "bench"
EXCLUDED = {
    "GPT-3 175B",
    "Megatron-Turing NLG 530B",
    "OPT-175B",
    "AlexaTM 20B",
    "XGen-7B",
    "TinyLlama-1.1B",
    "Arctic 480B",
    "Llama 3.2 1B",
    "Llama 3.2 3B",
    "DeepSeek-R1 RL stage",
    "gpt-oss-120b",
    "GPT-4 (speculative)",
}


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("accuracy_training")


def test_every_run_has_a_class_or_a_reason(bench):
    for run in bench.shipped() + bench.held_out():
        assert (bench.out_of_domain(run) is None) <= (bench.class_of(run) is not None), run.model
    assert {r.model for r in bench.shipped() if bench.out_of_domain(r)} == EXCLUDED
    assert {r.model for r in bench.held_out() if bench.out_of_domain(r)} == {"GLM-130B", "Pythia 12B"}


def test_held_out_runs_are_new(bench):
    assert len(bench.held_out()) >= 20
    assert not {r.model for r in bench.held_out()} & {r.model for r in bench.shipped()}


@pytest.mark.parametrize("row", TABLES["effective_mfu"].shipped.values(), ids=lambda r: r.run_class)
def test_effective_mfu_is_the_quartiles_of_the_published_runs(row, bench):
    delivered = [bench.delivered(r) for r in bench.in_domain(bench.shipped()) if bench.class_of(r) == row.run_class]
    quartiles = statistics.quantiles(delivered, n=4, method="inclusive")
    assert len(delivered) == row.runs
    assert [row.low, row.mid, row.high] == [round(q, 2) for q in quartiles]


def test_an_hfu_is_converted_and_an_mfu_is_not(bench):
    runs = TABLES["training_runs"].shipped
    assert bench.stated_mfu(runs["BLOOM-176B"]) == xl_econ.hfu_to_mfu(0.5)
    assert bench.stated_mfu(runs["PaLM 540B"]) == 0.462


def test_goals_are_met(bench, capsys):
    assert bench.main(quick=True)
    assert "NOT MET" not in capsys.readouterr().out


def test_the_page_shows_what_the_bench_prints(bench, capsys):
    """The block is what a quick run prints, and every row of the table above it stands in the block."""
    page = (BENCH.parent / "docs" / "method.md").read_text(encoding="utf-8")
    bench.main(quick=True)
    block = page.split("```text\n")[1].split("```")[0]
    assert block.splitlines() == capsys.readouterr().out.splitlines()[1:]
    rows = [[c.strip() for c in line.split("|")[2:-1]] for line in page.splitlines() if line.startswith("| ")][1:]
    printed = [" ".join(line.split()) for line in block.splitlines()]
    for row in rows[1:]:
        assert any(" ".join(row) in line for line in printed), row


@pytest.fixture
def inference(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("accuracy_inference")


def test_points_of_inference_are_of_the_tables(inference):
    found = inference.points()
    assert len(found) >= 1800
    assert found.point.is_unique
    tables = {"model": "model_architectures", "gpu": "accelerators", "precision": "precisions"}
    for column, name in tables.items():
        assert set(found[column]) <= set(TABLES[name].shipped), column
    figures = found[["gpus", "batch", "input_tokens", "output_tokens", "tokens_per_second_per_gpu", "itl_ms"]]
    assert (figures > 0).all(axis=None)
    assert (found.ttft_ms.dropna() > 0).all()
    assert found[["engine", "source"]].notna().all(axis=None)


def test_goals_of_inference_are_met(inference, capsys):
    assert inference.main(quick=True)
    assert "NOT MET" not in capsys.readouterr().out


def test_contenders_are_worse_at_every_quantile(inference):
    found = inference.points()
    measured = found.tokens_per_second_per_gpu
    quantiles = (0.25, 0.5, 0.75, 0.9)
    ours = np.quantile(np.abs(inference.errors(inference.predicted(found, "TOKENS_PER_GPU"), measured)), quantiles)
    for label, contender in inference.CONTENDERS.items():
        theirs = np.quantile(np.abs(inference.errors(contender(found), measured)), quantiles)
        assert (theirs > ours).all(), label


def test_a_point_that_is_said_not_to_fit_is_infinitely_wrong(inference):
    measured = inference.points().tokens_per_second_per_gpu[:3]
    found = inference.errors(np.array([measured[0], 2 * measured[1], np.nan]), measured)
    assert found.tolist() == [0, pytest.approx(math.log(2)), math.inf]
