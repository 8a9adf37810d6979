"""Published numbers and 20-digit arithmetic, through every host to 1e-12."""

import json
import math

import pytest
from support import Sheet, close

from xl_econ import cli
from xl_econ.hosts import udf
from xl_econ.hosts.python import function
from xl_econ.metrics import get
from xl_econ.printers import excel

FLOP_405B = 6 * 405e9 * 15.6e12
FLOP_BLOOM = 8 * 176.247e9 * 366e9  # with full recomputation
# Function, arguments, value. Sources: FLOP counts and hours of the papers named in the metrics' docstrings; the rest is
# arithmetic done with 20 digits outside this project.
VECTORS = [
    ("TRAIN_FLOP", {"params_b": 175, "tokens_t": 0.3}, 3.15e23),
    ("TRAIN_FLOP", {"params_b": 176.247, "tokens_t": 0.366, "recompute": 1}, FLOP_BLOOM),
    (
        "TRAIN_COST",
        {"params_b": 37, "tokens_t": 14.8, "peak_tflops": 989.4, "mfu": 0.389, "usd_per_gpu_hour": 2},
        4742645.6514460305,
    ),
    (
        "TRAIN_COST",
        {"params_b": 37, "tokens_t": 14.8, "peak_tflops": 989.4, "mfu": 0.389, "usd_per_gpu_hour": 2, "goodput": 0.9},
        5269606.279384478,
    ),
    ("GPU_HOURS", {"flop": 3.14e23, "peak_tflops": 125, "mfu": 0.1968}, 3545618.7895212285),
    ("TRAIN_DAYS", {"gpu_hours": 3545618.7895212285, "gpus": 10000}, 14.773411623005119),
    ("TRAIN_DAYS", {"gpu_hours": 30.84e6, "gpus": 16384}, 78.43017578125),
    ("GPU_HOURS", {"flop": FLOP_405B, "peak_tflops": 989.4, "mfu": 0.41}, 25958082.503808666),
    ("GPU_HOURS", {"flop": FLOP_405B, "peak_tflops": 989.4, "mfu": 0.41, "goodput": 0.9}, 28842313.89312074),
    ("MFU", {"flop": FLOP_405B, "gpu_hours": 30.84e6, "peak_tflops": 989.4}, 0.3450977245966781),
    ("MFU", {"flop": 6 * 68.98e9 * 2e12, "gpu_hours": 1720320, "peak_tflops": 312}, 0.42838879508801386),
    ("GPU_HOURS", {"flop": FLOP_BLOOM, "peak_tflops": 312, "mfu": 0.5}, 918894.6153846154),
    ("GPU_HOURS", {"flop": 8 * 300e9 * 200e9, "peak_tflops": 150, "mfu": 1}, 888888.8888888889),
    ("GOODPUT", {"gpus": 16384}, 0.85249781003688377),
    ("GOODPUT", {"gpus": 16384, "checkpoint_min": 10 / 60, "restart_min": 5}, 0.93274006740247590),
    ("FLOP_PER_DOLLAR", {"peak_tflops": 989.4, "mfu": 0.4, "usd_per_gpu_hour": 2.5}, 5.698944e17),
    ("MFU_FROM_TPS", {"tokens_per_second_per_gpu": 380, "params_b": 65.2, "peak_tflops": 312}, 0.47646153846153844),
    ("HFU_TO_MFU", {"hfu": 0.5}, 0.375),
    ("HFU_TO_MFU", {"hfu": 0.5, "recompute": 0}, 0.5),
    ("MFU_SAVING", {"mfu_from": 0.3, "mfu_to": 0.4}, 0.25),
    ("MFU_TYPICAL", {"gpus": 256}, 0.425),
    ("MFU_TYPICAL", {"gpus": 1, "bound": "high"}, 0.65),
    ("MFU_TYPICAL", {"gpus": 50000, "bound": "low"}, 0.25),
    # halfway on the log scale between 256 and 10,000 is sqrt(256 * 10000) = 1600
    ("MFU_TYPICAL", {"gpus": 1600}, 0.375),
    ("MOE_ACTIVE", {"params_total_b": 100, "experts": 8, "active_experts": 2, "expert_share": 0.8}, 40.0),
    ("CLUSTER_SIZE", {"gpu_hours": 24 * 90 * 1000, "days": 90}, 1000.0),
    ("CLUSTER_SIZE", {"gpu_hours": 24 * 90 * 1000.1, "days": 90}, 1008.0),
    ("PROGRAM_COST", {"run_usd": 1e6, "staff_share": 0.4, "other_usd": 5}, 2100005.0),
    ("TRAIN_ENERGY", {"gpu_hours": 1e6, "watts": 400, "load": 0.5, "server_factor": 2, "pue": 1.5}, 600000.0),
    # adapters train nothing: 4 of the 6 FLOP remain, two thirds of the full cost
    (
        "FINETUNE_COST",
        {
            "params_b": 37,
            "tokens_t": 14.8,
            "peak_tflops": 989.4,
            "mfu": 0.389,
            "usd_per_gpu_hour": 2,
            "trainable_share": 0,
        },
        4742645.6514460305 * 2 / 3,
    ),
]
VECTORS += [
    # Ownership: 20-digit arithmetic, and LibreOffice's own PV and PMT where they apply.
    ("POWER_COST", {"watts": 700, "usd_per_kwh": 0.06}, 367.92),
    ("POWER_COST", {"watts": 1275, "usd_per_kwh": 0.0929, "pue": 1.54, "load": 0.8}, 1278.3233232),
    ("CRF", {"discount_rate": 0.1, "years": 3}, 0.40211480362537764),
    ("CRF", {"discount_rate": 0.1, "years": 5}, 0.26379748079474537682),
    ("CRF", {"discount_rate": 0, "years": 3}, 1 / 3),
    ("ANNUITY", {"discount_rate": 0, "years": 7}, 7.0),
    *(
        ("GPU_TCO", {"gpu_usd": 30000, "power_usd_yr": p, "network_usd": n, "facility_usd_yr": f} | more, value)
        for p, n, f, more, value in (
            (1100, 4000, 1500, {}, 41800),
            (1100, 3000, 1000, {}, 39300),
            (1100, 5000, 2000, {}, 44300),
            (367.92, 4000, 1500, {}, 39603.76),
            (1100, 4000, 1500, {"discount_rate": 0.1}, 40465.815176558978212),
            (
                1100,
                4000,
                1500,
                {"years": 4, "residual_share": 0.3, "discount_rate": 0.1, "timing": 0.5},
                36496.794513578273791,
            ),
        )
    ),
    ("OWNED_RATE", {"tco_usd": 41800}, 1.5905631659056316591),
    ("OWNED_RATE", {"tco_usd": 40465.81517655899, "discount_rate": 0.1}, 1.8575232104181329474),
    ("EFFECTIVE_RATE", {"usd_per_gpu_hour": 1.5905631659056316, "utilization": 0.7}, 2.2722330941509022857),
    (
        "EFFECTIVE_RATE",
        {"usd_per_gpu_hour": 1.5905631659056316, "utilization": 0.7, "availability": 0.97},
        2.3425083444854662940,
    ),
    ("CLOUD_TCO", {"usd_per_gpu_hour": 3.5}, 91980),
    ("CLOUD_TCO", {"usd_per_gpu_hour": 2.5}, 65700),
    ("CLOUD_TCO", {"usd_per_gpu_hour": 3.5, "utilization": 0.7, "price_decline": 0.2}, 52367.28),
    (
        "CLOUD_TCO",
        {"usd_per_gpu_hour": 3.5, "price_decline": 0.15, "uplift": 0.075, "discount_rate": 0.1},
        71007.78831705484598,
    ),
    ("BREAKEVEN_UTIL", {"owned_rate": 1.5905631659056316, "cloud_rate": 3.5}, 0.45444661883018046),
    ("BREAKEVEN_UTIL", {"owned_rate": 1.5905631659056316, "cloud_rate": 12.25}, 0.12984189109433727),
    ("BREAKEVEN_UTIL", {"owned_rate": 2.2, "cloud_rate": 1.9}, 1.1578947368421052632),
    (
        "BREAKEVEN_UTIL",
        {"owned_rate": 1.5905631659056316, "cloud_rate": 3.5, "committed_share": 0.4, "committed_rate": 2.5},
        0.56873233311589474,
    ),
    (
        "BREAKEVEN_UTIL",
        {"owned_rate": 1.5905631659056316, "cloud_rate": 3.5, "committed_share": 0.8, "committed_rate": 2.5},
        0.0,
    ),
    ("GROSS_MARGIN", {"price_usd": 2, "cost_usd": 0.5}, 0.75),
    ("PRICE_FOR_MARGIN", {"cost_usd": 0.5, "margin": 0.75}, 2.0),
    ("BLENDED_PRICE", {"input_usd": 3, "output_usd": 15, "cached_usd": 0.3, "cache_hit": 0.5}, 4.9875),
]
OWNED = 1.5905631659056316
THREE_TERMS = {"rates": [3.5, 2.5, 1.6], "shares": [0.5, 0.3, 0.2]}
MONTHLY = {"upfront_usd": 34000, "own_usd_month": 216.66666666666666}
VECTORS += [
    ("BREAKEVEN_UTIL", {"owned_rate": OWNED, "cloud_rate": 2.5}, 0.63622526636225264),
    ("BREAKEVEN_UTIL", {"owned_rate": 1.6856925418569255, "cloud_rate": 2.5}, 0.6742770167427702),
    ("BREAKEVEN_UTIL", {"owned_rate": OWNED, "cloud_rate": 6.88}, 0.23118650667233017442),
    (
        "BREAKEVEN_UTIL_VAR",
        {"fixed_usd": 38500, "power_usd": 3300, "idle_share": 0.2, "cloud_rate": 3.5, "hours": 26280},
        0.43832549809715692859,
    ),
    ("BREAKEVEN_MONTHS", MONTHLY | {"cloud_usd_month": 2555}, 14.540270848182466103),
    ("BREAKEVEN_MONTHS", MONTHLY | {"cloud_usd_month": 1788.5}, 21.630792068709574715),
    # as Excel's NPER(0.008, 1788.5 - 2600/12, -34000)
    ("BREAKEVEN_MONTHS", MONTHLY | {"cloud_usd_month": 1788.5, "monthly_rate": 0.008}, 23.84570404233482),
    # AWS p5.48xlarge in us-east-1; 49.24 EUR at 1.1 USD over eight: 54.164 / 8.
    ("GPU_HOUR_PRICE", {"price_per_instance_hour": 55.04, "gpus_per_instance": 8}, 6.88),
    (
        "GPU_HOUR_PRICE",
        {"price_per_instance_hour": 49.24, "gpus_per_instance": 8, "usd_per_currency": 1.1},
        6.7705,
    ),
    ("BLENDED_RATE", THREE_TERMS, 2.82),
    ("BLENDED_RATE", THREE_TERMS | {"factors": [1, 1.1764705882352942, 1.1]}, 2.9843529411764704),
    ("BLENDED_RATE", THREE_TERMS | {"factors": 1.5}, 4.23),
    (
        "GPUS_NEEDED",
        {"useful_hours_month": 100000, "utilization": 0.7, "availability": 0.97, "spare": 0.05},
        216.0,
    ),
    ("GPUS_NEEDED", {"useful_hours_month": 730 * 8 * 0.5, "utilization": 0.5}, 8.0),  # just one node
    ("FLEET_COST", {"gpus": 64, "usd_per_gpu_hour": 2.5, "months": 1.5}, 175200.0),
    ("FLEET_COST", {"gpus": 8, "usd_per_gpu_hour": 3.5, "months": 12, "utilization": 0.7}, 171696.0),
    ("IDLE_COST", {"usd_per_gpu_hour": 2.5, "utilization": 0.7}, 6570.0),
    ("IDLE_COST", {"usd_per_gpu_hour": 2, "utilization": 0.25, "hours": 730}, 1095.0),
    ("COST_PER_MTOK", {"tokens_per_second_per_gpu": 2500, "usd_per_gpu_hour": 3.6}, 0.4),
    ("COST_PER_MTOK", {"tokens_per_second_per_gpu": 2500, "usd_per_gpu_hour": 3.6, "utilization": 0.5}, 0.8),
    ("TOKENS_PER_WATT", {"tokens_per_second_per_gpu": 1820, "watts": 700}, 2.0),
    (
        "TOKENS_PER_WATT",
        {"tokens_per_second_per_gpu": 1820, "watts": 700, "server_factor": 1.3, "pue": 1.25},
        1.6,
    ),
    # 1E10 a day are 115,740.7 a second, 289,351.9 at the peak; a replica gives 16,000: 19, and one to spare
    (
        "FLEET_SIZE",
        {
            "tokens_per_day": 1e10,
            "tokens_per_second_per_gpu": 2500,
            "peak_factor": 2.5,
            "utilization_cap": 0.8,
            "gpus_per_replica": 8,
        },
        160.0,
    ),
    ("FLEET_SIZE", {"tokens_per_day": 86400 * 1600, "tokens_per_second_per_gpu": 1000}, 6.0),
    (
        "API_BREAKEVEN",
        {"api_usd_per_mtok": 2, "fixed_usd_per_month": 14600, "variable_usd_per_mtok": 0.05},
        7487.1794871794871795,
    ),
    ("NPV_BUY_VS_RENT", MONTHLY | {"cloud_usd_month": 1788.5, "months": 36}, 22586.0),
    # (1.21)^(1/12)-1 a month over two years: 1500*(1-1.21^-2)/i + 5000/1.21^2 - 34000
    (
        "NPV_BUY_VS_RENT",
        {
            "upfront_usd": 34000,
            "own_usd_month": 500,
            "cloud_usd_month": 2000,
            "months": 24,
            "residual_usd": 5000,
            "discount_rate": 0.21,
        },
        -889.47035227818975729,
    ),
    *(
        (
            "DEPRECIATION",
            {"cost_usd": 30000, "salvage_usd": 3000, "life_years": life, "year": year, "method": method},
            value,
        )
        for life, year, method, value in (
            (5, 2, "SLN", 5400.0),
            (5, 1, "SYD", 9000.0),
            (5, 5, "SYD", 1800.0),
            (5, 1, "DDB", 12000.0),
            (5, 2, "DDB", 7200.0),
            (5, 5, "DDB", 888.0),  # 30,000 * 0.6^4 = 3,888: down to the salvage value
            (2, 1, "DDB", 27000.0),
            (2, 2, "DDB", 0.0),
            (1, 1, "DDB", 27000.0),
        )
    ),
]
# Commitments by areas of the load-duration curve, done by hand: a demand of mean 512 and factor 1.5 runs from 256 to
# 768; it lies above 600 for 168/512 of the time, by 84 in the mean. 333 and 1.37: 456.21 less 301.5 is 154.71, of a
# spread of 246.42, and 154.71^2 / (2 x 246.42) = 26594649/547600.
VECTORS += [
    (name, {"mean_gpus": mean, "committed_gpus": committed, "peak_to_mean": factor}, value)
    for mean, committed, factor, overflow, used in (
        (512, 600, 1.5, 168 / 512 * 84, 484.4375),
        (512, 512, 1.5, 64.0, 448.0),
        (333, 301.5, 1.37, 26594649 / 547600, 333 - 26594649 / 547600),
        (500, 100, 1.2, 400.0, 100.0),  # below the trough
        (500, 2000, 1.7, 0.0, 500.0),  # above the peak
        (500, 300, 1, 200.0, 300.0),  # a flat demand
        (500, 0, 2, 500.0, 0.0),
    )
    for name, value in (("ELASTIC_OVERFLOW", overflow), ("COMMITTED_USE", used))
]
# Three lines against their budget, in exact fractions, by other sums than the metrics': volume is the budget's
# 11,365 (3,125 + 4,000 + 4,240) for 1,750 useful hours times 260 more; mix each line's change of share times 2,010
# hours times 3.125, 8 and 16.96 an hour; utilization 812.50 - 640.00 - 1,051.52; price -487.50 + 256.00 - 257.92. They
# sum to the 11,151.66 that was spent less 11,365.
BUDGET, ACTUAL = [1000, 500, 250], [1300, 400, 310]
PRICES, PAID = ([2.5, 4, 10.6], [2.25, 4.4, 9.95]), ([1.25, 2, 1.6], [1.5, 1.6, 1.28])
VECTORS += [
    ("LINES_SPEND", {"useful_hours": BUDGET, "prices": PRICES[0], "paid_per_useful": PAID[0]}, 11365.0),
    ("LINES_SPEND", {"useful_hours": ACTUAL, "prices": PRICES[1], "paid_per_useful": PAID[1]}, 11151.66),
    *(
        (
            name,
            {
                "budget_hours": BUDGET,
                "actual_hours": ACTUAL,
                "budget_prices": PRICES[0],
                "budget_paid_per_useful": PAID[0],
            },
            value,
        )
        for name, value in (("VOLUME_EFFECT", 59098 / 35), ("MIX_EFFECT", -37339 / 70))
    ),
    (
        "UTILIZATION_EFFECT",
        {
            "actual_hours": ACTUAL,
            "budget_prices": PRICES[0],
            "budget_paid_per_useful": PAID[0],
            "actual_paid_per_useful": PAID[1],
        },
        -879.02,
    ),
    (
        "PRICE_EFFECT",
        {
            "actual_hours": ACTUAL,
            "budget_prices": PRICES[0],
            "actual_prices": PRICES[1],
            "actual_paid_per_useful": PAID[1],
        },
        -489.42,
    ),
]
# Attention by hand: Llama 3 405B has 126 layers of 128 heads of 128, at 8,192 tokens: 6*126*16384*8192 per token.
VECTORS.append(
    (
        "TRAIN_FLOP",
        {"params_b": 405, "tokens_t": 15.6, "layers": 126, "attn_width": 16384, "seq_len": 8192},
        15.6e12 * (6 * 405e9 + 6 * 126 * 16384 * 8192),
    )
)
IDS = [f"{name}-{n}" for n, (name, _, _) in enumerate(VECTORS)]


@pytest.mark.parametrize(("name", "inputs", "value"), VECTORS, ids=IDS)
def test_python_udf_and_command_line(name, inputs, value, capsys):
    assert close(function(name)(**inputs), value)
    args = list(inputs.values())
    in_order = list(inputs) == list(get(name).params)[: len(inputs)]
    if in_order:
        assert close(getattr(udf, name)(*args)[0][0], value)
    words = [f"{k}={str(v).strip('[]')}" for k, v in inputs.items()]
    assert cli.main(["calc", name, *words, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert close(printed["value"], value)
    assert printed["unit"] == get(name).unit
    assert close(printed["steps"][-1]["value"], value)


def test_cell_let_and_lambda(tmp_path):
    sheet = Sheet(tmp_path / "vectors.xlsx")
    wanted = []
    for name, inputs, value in VECTORS:
        m = get(name)
        full = {p.name: inputs.get(p.name, p.default) for p in m.params.values()}
        refs = {k: sheet.reference(float(v) if isinstance(v, int) else v) for k, v in full.items()}
        wanted.append((name, sheet.formula(excel.formula(m.tree, refs)), value))
        wanted.append((name, sheet.formula(excel.let(m.tree, refs, file=True)), value))
        # omitted: the arguments after the last given one; blank: those before it
        last = max(i for i, k in enumerate(m.params) if k in inputs)
        args = ",".join(refs[k] if k in inputs else "" for k in list(m.params)[: last + 1])
        wanted.append((name, sheet.formula(f"{name}({args})", dynamic=True), value))
    values = sheet.compute()
    for name, cell, value in wanted:
        assert close(values[cell], value), (name, cell, values[cell], value)


def test_the_total_parameter_mistake_of_a_mixture_of_experts():
    cost = function("TRAIN_COST")
    active, total = cost(37, 14.8, 989.4, 0.389, 2), cost(671, 14.8, 989.4, 0.389, 2)
    assert math.isclose(total, 86008519.78703478, rel_tol=1e-12)
    assert round(total / active, 1) == 18.1
