"""Promise: the audit of the seed's tables as written finds the seed's slips at their cells; what it cannot is named."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from xl_econ.audit import run
from xl_econ.hosts.claims import recompute, verdict
from xl_econ.tables.store import TABLES
from xl_econ.workbook.scan import scan

SEED = Path(__file__).parent.parent / "workbooks" / "seed"
BOOK = SEED / "seed_as_written.xlsx"
CLAIMS = TABLES["seed_claims"].rows
TRAINING, INFERENCE, FLEET = "Training Economics", "Inference Economics", "Fleet Economics"

# Claims that a cell of the tables shows, with what finds them there: what was claimed, the check, the cell.
FOUND = {
    "shares.gpu": ("share-of-total", TRAINING, "B5"),
    "shares.gpu.at_low_costs": ("share-of-total", TRAINING, "B5"),
    "shares.gpu.at_high_costs": ("share-of-total", TRAINING, "B5"),
    "shares.power": ("share-of-total", TRAINING, "B6"),
    "shares.engineering": ("share-of-total", TRAINING, "B9"),
    "training.gpt3.gpu_hours": ("run-hours", TRAINING, "D23"),
    "training.gpt3.gpu_hours_least": ("run-hours", TRAINING, "D23"),
    "training.gpt3.gpu_hours_published": ("run-hours", TRAINING, "D23"),
    "training.gpt3.petaflop_days": ("run-hours", TRAINING, "D23"),
    "training.gpt3.usd_per_hour": ("run-price", TRAINING, "E23"),
    "training.llama3_405b.tokens": ("published-run", TRAINING, "C25"),
    "training.formula.active": ("published-run", TRAINING, "B26"),
    "pricing.raw_cost_at_high_margin": ("margin-clash", INFERENCE, "A28"),
    "pricing.margin_at_low_cost": ("margin-clash", INFERENCE, "A28"),
    "fleet.power.bill": ("power-bill", FLEET, "B6"),
    "fleet.power.three_years": ("power-bill", FLEET, "B6"),
    "fleet.power.implied_kw": ("power-bill", FLEET, "B6"),
    "fleet.power.implied_price": ("power-bill", FLEET, "B6"),
    "utilization.70_90.overhead_high": ("idle-overhead", FLEET, "C17"),
    "utilization.70_90.idle": ("idle-overhead", FLEET, "C17"),
    "providers.mixed_units": ("mixed-price-units", FLEET, "C24"),
    "providers.aws.list_since_june": ("list-price", FLEET, "C24"),
    "providers.gcp.list_2026": ("list-price", FLEET, "C25"),
    **{
        f"providers.{who}.{term}": ("price-not-in-table", FLEET, cell)
        for who in ("aws", "gcp", "azure", "coreweave", "lambda")
        for term, cell in (("on_demand", "C5"), ("reserved", "D5"))
    },
    **{f"providers.{who}.spot": ("price-not-in-table", FLEET, "C5") for who in ("aws", "gcp", "azure")},
}
# Slips that no table shows by itself, with the reason.
NOT_SHOWN = {
    "shares.power_corrected": "follows from the power bill, which is found",
    "mfu.256_gpus_bloomberg": "needs a published run that the row does not name",
    "mfu.10k_gpus_stated": "needs a published run that the row does not name",
    "pricing.small.mixtral_input": "needs the price list of a model that a note only mentions",
    "pricing.small.mixtral_size": "needs the size of a model that a note only mentions",
    "pricing.large.deepseek": "is about a model that the table does not name",
    "quantization.fp16.speedup_fp32": "needs the roofline of an accelerator that the table does not name",
    "quantization.int4.speedup_batch": "needs the roofline of an accelerator that the table does not name",
    "architecture.moe.gpt4": "needs the parameters of models that a note only mentions",
    "architecture.moe.deepseek_v3": "needs the parameters of models that a note only mentions",
    "architecture.gqa.llama2_7b": "needs the heads of models that a note only mentions",
    "architecture.gqa.llama3_405b": "needs the heads of models that a note only mentions",
    "architecture.speculative_batch": "needs the roofline of an accelerator that the table does not name",
    "fleet.power.server_share": "needs the power of a server, of which the table says nothing",
    "fleet.facility": "needs a published colocation rate",
    "fleet.rule.saving_at_70": "a sentence about savings at a utilization",
    "fleet.rule.saving_reserved": "a sentence about savings at a utilization",
    "fleet.rule.utilization_for_half": "a sentence about savings at a utilization",
    "fleet.rule.breakeven_aws": "a sentence about a break-even",
    "fleet.rule.breakeven_coreweave": "a sentence about a break-even",
    "fleet.rule.breakeven_lambda": "a sentence about a break-even",
    "providers.coreweave.reserved_discount": "a discount that no cell states",
}


@pytest.fixture(scope="module")
def findings():
    return run.findings(BOOK)


@pytest.mark.parametrize("claim", FOUND)
def test_a_slip_of_the_seed_is_found_at_its_cell(claim, findings):
    check, sheet, cell = FOUND[claim]
    assert any((f.check, f.sheet, f.cell) == (check, sheet, cell) for f in findings)


def test_every_slip_is_found_or_explained():
    """Of 53 slips 31 are found, with 5 more claims, at 14 cells; what is left has a reason."""
    slips = {name for name, row in CLAIMS.items() if verdict(row, recompute(row)) == "slip"}
    assert slips <= set(FOUND) | set(NOT_SHOWN)
    assert not set(FOUND) & set(NOT_SHOWN)
    assert set(NOT_SHOWN) <= slips
    assert set(FOUND) <= set(CLAIMS)
    assert (len(slips), len(slips & set(FOUND)), len(FOUND), len({place[1:] for place in FOUND.values()})) == (
        53, 31, 36, 14,
    )  # fmt: skip


def test_nothing_but_claims_is_found(findings):
    """Every error and warning stands at a cell of a claim; the second column of mixed prices is of the same one."""
    cells = {(sheet, cell) for _, sheet, cell in FOUND.values()} | {(FLEET, "D24")}
    assert {(f.sheet, f.cell) for f in findings if f.severity != "info"} <= cells


@pytest.mark.parametrize(
    ("cell", "figures"),
    [
        ("D23", ("8,013%", "280,449", "80.1 times", "3,552,000", "3,646 petaFLOP/s-days")),
        ("E23", ("$1,429",)),
        ("A28", ("20-50%", "50-70%")),
        ("B6", ("$368", "2.99 times", "3 years")),
        ("C17", ("11.1-42.9%",)),
        ("C24", ("$98/hr", "8 accelerators", "$2.50/hr/GPU")),
        ("B26", ("280 billion", "6.4 times")),
    ],
)
def test_the_finding_says_the_figures(cell, figures, findings):
    said = " ".join(f.message for f in findings if f.cell == cell)
    assert not [figure for figure in figures if figure not in said]


def test_the_workbook_is_what_its_text_makes(tmp_path):
    path = tmp_path / "seed.xlsx"
    subprocess.run([sys.executable, str(SEED / "build.py"), str(path)], check=True)

    def cells(p):
        return {(s.name, at): c.shown for s in scan(p).sheets.values() for at, c in s.cells.items()}

    assert cells(path) == cells(BOOK)


def test_the_reference_tables_quote_the_workbook():
    """What the tables of the package say that the seed writes stands so in the workbook."""
    written = {c.text for s in scan(BOOK).sheets.values() for c in s.cells.values()}
    data = Path(run.__file__).parents[1] / "data"
    for name, columns in {
        "seed_training_benchmarks": ("model", "parameters_text", "tokens_text", "gpu_hours_text", "cost_text"),
        "cost_components": ("component", "text"),
        "mfu_typical": ("setup", "text"),
        "inference_price_classes": ("model_class", "input_text", "output_text"),
        "batch_utilization": ("batch_text", "text"),
    }.items():
        with (data / f"{name}.csv").open(encoding="utf-8") as file:
            assert {row[c] for row in csv.DictReader(file) for c in columns} <= written
