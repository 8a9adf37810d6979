"""How right the training figures are: every run has a class or a reason, the table is what the runs say, goals met."""

import importlib
import math
import statistics
from pathlib import Path

import numpy as np
import pytest

import xl_econ
from xl_econ.metrics import serving
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


@pytest.mark.parametrize("name", ["training", "inference"])
def test_goals_are_met_and_the_page_shows_what_the_bench_prints(name, monkeypatch, capsys):
    """The last block of the section is what a quick run prints, and every row of its table stands in the block."""
    monkeypatch.syspath_prepend(str(BENCH))
    assert importlib.import_module(f"accuracy_{name}").main(quick=True)
    printed = capsys.readouterr().out
    assert "NOT MET" not in printed
    page = (BENCH.parent / "docs" / "method.md").read_text(encoding="utf-8")
    section = page.split(f"## {name.capitalize()}\n")[1].split("\n## ")[0]
    block = section.split("\n```text\n")[-1].split("```")[0]
    assert block.splitlines() == printed.splitlines()[1:]
    rows = [[c.strip() for c in line.split("|")[2:-1]] for line in section.splitlines() if line.startswith("| ")]
    lines = [" ".join(line.split()) for line in block.splitlines()]
    for row in rows[2:]:
        assert any(" ".join(row) in line for line in lines), row


def test_the_points_are_of_models_and_hardware_that_ship(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    points = importlib.import_module("accuracy_inference").points()
    assert len(points) >= 1_800
    assert points.point.is_unique
    for column, table in (("model", "model_architectures"), ("gpu", "accelerators"), ("precision", "precisions")):
        assert set(points[column]) <= set(TABLES[table].shipped)
    assert points.source.notna().all()


def test_the_band_was_measured_where_it_says(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    points = importlib.import_module("accuracy_inference").points()
    assert set(points.gpu) == set(serving.MEASURED_ON)
    assert points.gpus.max() == serving.MEASURED_GPUS
    assert all(gpu.split()[0] in serving.SERVING_BAND.domain for gpu in serving.MEASURED_ON)


def test_contenders_are_worse_at_every_quantile(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    inference = importlib.import_module("accuracy_inference")
    points = inference.points()
    measured = points.tokens_per_second_per_gpu
    quantiles = (0.25, 0.5, 0.75, 0.9)
    ours = np.quantile(np.abs(inference.errors(inference.predicted(points, "TOKENS_PER_GPU"), measured)), quantiles)
    for label, contender in inference.CONTENDERS.items():
        theirs = np.quantile(np.abs(inference.errors(contender(points), measured)), quantiles)
        assert (theirs > ours).all(), label


def test_a_point_that_is_said_not_to_fit_is_infinitely_wrong(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    inference = importlib.import_module("accuracy_inference")
    measured = inference.points().tokens_per_second_per_gpu[:3]
    found = inference.errors(np.array([measured[0], 2 * measured[1], np.nan]), measured)
    assert found.tolist() == [0, pytest.approx(math.log(2)), math.inf]
