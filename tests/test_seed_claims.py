"""The seed's claims: every figure recomputed through the metrics, and every verdict by its rule."""

import json
from collections import Counter

import pytest

from xl_econ import cli
from xl_econ.core.errors import InputError, TableError, XlEconError
from xl_econ.hosts.claims import JUDGED, claimed, evaluate, recompute, verdict
from xl_econ.tables.read import check_rows
from xl_econ.tables.store import TABLES

TABLE = TABLES["seed_claims"]
CLAIMS = TABLE.rows
# What the seed is known to get wrong, or leave open, and what it gets right beside it.
FINDINGS = {
    "training.gpt3.gpu_hours": ("slip", 80.128205),
    "training.gpt3.usd_per_hour": ("slip", 1428.571429),
    "training.llama3_405b.tokens": ("slip", 15.6),
    "training.formula.goodput": ("definition", 0.841702),
    "mfu.saving": ("holds", 0.25),
    "mfu.10k_gpus_failures": ("definition", 0.158298),
    "shares.sum": ("holds", 1.0),
    "shares.gpu.at_low_costs": ("slip", 0.763359),
    "shares.gpu.at_high_costs": ("slip", 0.677201),
    "shares.power": ("slip", 0.078947),
    "fleet.power.bill": ("slip", 367.92),
    "fleet.power.three_years": ("definition", 1103.76),
    "fleet.on_demand.year": ("holds", 30660),
    "fleet.reserved.tco": ("holds", 65700),
    "fleet.rule.saving_full": ("holds", 0.545553),
    "fleet.rule.saving_at_70": ("slip", 0.350791),
    "fleet.rule.utilization_for_half": ("slip", 0.908893),
    "fleet.rule.breakeven_on_demand": ("holds", 0.454447),
    "fleet.rule.breakeven_reserved": ("definition", 0.636225),
    "fleet.rule.breakeven_aws": ("slip", 0.129842),
    "fleet.rule.breakeven_lambda": ("slip", 0.837139),
    "utilization.70_90.overhead_low": ("holds", 0.111111),
    "utilization.70_90.overhead_high": ("slip", 0.428571),
    "providers.aws.on_demand": ("slip", 12.25),
    "providers.azure.on_demand": ("slip", 12.0),
    "providers.coreweave.on_demand": ("slip", 2.5),
    "providers.aws.reserved": ("slip", 8.125),
    "providers.lambda.reserved": ("slip", 1.9),
    "providers.aws.spot": ("slip", 3.75),
    "providers.aws.spot_discount": ("holds", 0.591837),
    "providers.aws.reserved_discount": ("holds", 0.336735),
    "providers.coreweave.reserved_discount": ("slip", 0.2),
    "providers.mixed_units": ("definition", 7.156627),
    "providers.gcp.list": ("holds", 88.48),
    "providers.gcp.list_2026": ("slip", 87.8328),
    "pricing.raw_cost_at_high_margin": ("slip", 0.2),
    "pricing.margin_at_low_cost": ("slip", 0.7),
    "pricing.small.mixtral_size": ("slip", 46.703),
    "architecture.moe.mixtral": ("holds", 3.626009),
    "architecture.moe.deepseek_v3": ("slip", 18.135135),
    "architecture.speculative_alone": ("holds", 2.197584),
    "architecture.speculative_batch": ("slip", 1.353488),
    "architecture.gqa.mistral_7b": ("holds", 4),
    "architecture.gqa.llama3_405b": ("slip", 16),
    "quantization.fp16.speedup_fp32": ("slip", 14.789238),
    "quantization.awq.memory": ("holds", 3.849624),
    "quantization.int4.speedup": ("ambiguous", 4),
    "quantization.int4.speedup_alone": ("holds", 2.018030),
    "quantization.int4.speedup_batch": ("slip", 1.424959),
    "batch.1.utilization": ("definition", 0.003386),
}


@pytest.mark.parametrize("row", CLAIMS.values(), ids=CLAIMS)
def test_every_claim_is_recomputed_and_judged_by_the_rule(row):
    found = recompute(row)
    assert found == pytest.approx(row.computed, rel=1e-9)
    assert verdict(row, found) == verdict(row, row.computed) == row.verdict


def test_the_table_is_complete():
    assert len(CLAIMS) >= 60
    counts = Counter(row.verdict for row in CLAIMS.values())
    assert set(counts) == {"holds", "slip", "ambiguous", "definition"}
    for name, row in CLAIMS.items():
        ends = [end for end in (row.claimed_low, row.claimed_high) if end is not None]
        assert ends or row.verdict in JUDGED, f"{name}: nothing to hold it against"
        assert ends == sorted(ends), name
        assert row.tolerance == 0 or ends, name
        assert set("(*/+-") & set(row.formula), f"{name}: a bare number; look it up"
        assert (row.as_of, row.grade) == ("2025", "D"), name
        assert row.place.partition(":")[0] in row.source, name


@pytest.mark.parametrize("name", FINDINGS)
def test_what_it_must_find(name):
    row = CLAIMS[name]
    assert (row.verdict, row.computed) == (FINDINGS[name][0], pytest.approx(FINDINGS[name][1], rel=1e-5, abs=5e-7))


def changed(**columns):
    return next(iter(CLAIMS.values())).model_copy(update=columns)


@pytest.mark.parametrize(
    ("low", "high", "tolerance", "computed", "expected"),
    [
        (2, 4, 0, 4, "holds"),
        (2, 4, 0, 4.0000000001, "holds"),
        (2, 4, 0, 4.00001, "slip"),
        (2, 4, 0.1, 4.4, "holds"),
        (2, 4, 0.1, 1.79, "slip"),
        (2, None, 0, 1e9, "holds"),
        (2, None, 0, 1.9, "slip"),
        (None, 4, 0, 0, "holds"),
        (None, 4, 0, 4.1, "slip"),
    ],
)
def test_the_rule(low, high, tolerance, computed, expected):
    row = changed(claimed_low=low, claimed_high=high, tolerance=tolerance, verdict="holds")
    assert verdict(row, computed) == expected
    for judged in JUDGED:
        assert verdict(row.model_copy(update={"verdict": judged}), computed) == judged


def test_the_claimed_range_in_words():
    words = [
        claimed(changed(claimed_low=low, claimed_high=high))
        for low, high in ((0.25, 0.65), (3500, 3500), (1e8, None), (None, 3.5), (None, None))
    ]
    assert words == ["0.25 to 0.65", "3,500", "at least 100,000,000", "at most 3.5", ""]


def test_formulas():
    assert evaluate("-2**2 + 7/2 - 1.5*1") == -2
    assert evaluate("mfu_saving(0.3, 2*0.2) + gpu_spec('H100', 'hbm_gb')") == pytest.approx(80.25)


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("", "'' is no formula"),
        ("1 +", "'1 +' is no formula"),
        ("1\0", "is no formula"),
        ("(" * 300 + "1" + ")" * 300, "a formula of 601 characters; at most 500 are read"),
        ("1/0", "'1/0' has no finite result"),
        ("9.0**9**9", "has no finite result"),
        ("1e999", "1e309 is not a finite number"),
        ("1e200*1e200", "1e+200 * 1e+200 is not a finite number"),
        ("(-8)**0.5", "is (1.7319121124709868e-16+2.8284271247461903j), not a number"),
        ("'a'*3", "\"'a'\" may not stand in a formula"),
        ("True + 1", "'True' may not stand in a formula"),
        ("2j", "'2j' may not stand in a formula"),
        ("x", "'x' may not stand in a formula"),
        ("7 % 4", "'7 % 4' may not stand in a formula"),
        ("not 1", "'not 1' may not stand in a formula"),
        ("(1).real", "'1 .real' may not stand in a formula"),
        ("(lambda: 1)()", "may not stand in a formula"),
        ("train_days(gpu_hours=24, gpus=1)", "may not stand in a formula"),
        ("train_days(*[24, 1])", "may not stand in a formula"),
        ("__import__('os')", "no function '__import__'"),
        ("train_dayz(24, 1)", "no function 'train_dayz'; did you mean 'TRAIN_DAYS'?"),
        ("gpu_spec('H100', 'vendor')", "is 'NVIDIA', not a number"),
        ("gpu_spec('H10O', 'bf16')", "did you mean 'H100'?"),
    ],
)
def test_what_no_formula_may_do(formula, text):
    with pytest.raises(XlEconError) as e:
        evaluate(formula)
    assert text in str(e.value)
    assert "\n" not in str(e.value)


def test_an_error_names_the_claim():
    with pytest.raises(InputError, match=r"^shares.sum: '1/0' has no finite result"):
        recompute(changed(claim_id="shares.sum", formula="1/0"))


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("computed", "many", "column computed: 'many': expected a number"),
        ("claimed_low", "-1", "column claimed_low: -1: must be at least 0"),
        ("verdict", "wrong", "column verdict: 'wrong': "),
        ("note", "", "column note: is empty"),
    ],
)
def test_a_bad_claim_is_refused(column, value, text):
    row = next(iter(CLAIMS.values())).model_dump() | {column: value}
    with pytest.raises(TableError, match=f"claims.csv, row 2, {text}"):
        check_rows(TABLE, "claims.csv", list(row), [row])


def test_the_command_line_shows_claims(capsys):
    assert cli.main(["tables", "seed_claims"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["verdict", "claim_id", "claim", "claimed", "computed", "unit"]
    assert len(lines) == 2 * len(CLAIMS) + 2
    at = next(n for n, line in enumerate(lines) if " training.gpt3.gpu_hours " in line)
    assert lines[at].split() == [
        "slip", "training.gpt3.gpu_hours", "~3,500", "A100-hours", "0.25", "to", "0.65", "80.1282", "share",
    ]  # fmt: skip
    assert "8,013%" in lines[at + 1]
    counts = Counter(row.verdict for row in CLAIMS.values())
    assert lines[-1].startswith(f"{len(CLAIMS)} claims: ")
    assert all(f"{n} {v}" in lines[-1] for v, n in counts.items())
    assert cli.main(["tables", "seed_claims", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["units"]["computed"] == "any"
    assert len(found["rows"]) == len(CLAIMS)
