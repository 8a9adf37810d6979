"""The case that tests of sweeps share."""

from xl_econ.engines import engine
from xl_econ.scenarios import plan as plans
from xl_econ.scenarios import run as sweeps

INPUTS = {
    "params_b": {"dist": "triangular", "low": 300, "mode": 405, "high": 500},
    "tokens_t": {"dist": "uniform", "low": 12, "high": 18},
    "peak_tflops": 989.4,
    "mfu": {"dist": "triangular", "low": 0.2, "mode": 0.38, "high": 0.46},
    "usd_per_gpu_hour": {"dist": "lognormal", "p10": 1.9, "p90": 3.9},
    "goodput": {"dist": "discrete", "values": [0.8, 0.9, 0.95], "weights": [1, 2, 1]},
    "overhead": {"dist": "normal", "mean": 0.1, "sd": 0.05, "min": 0},
}
CASE = {"inputs": INPUTS, "correlations": [{"of": ["mfu", "usd_per_gpu_hour"], "rank": -0.4}]}
RANDOM = ("mc", "lhs", "sobol")
TOML = """
[inputs]
params_b = 405
tokens_t = 15.6
peak_tflops = 989.4
mfu = { dist = "triangular", low = 0.2, mode = 0.38, high = 0.46 }
usd_per_gpu_hour = { dist = "lognormal", p10 = 1.9, p90 = 3.9 }
"""


def swept(plan: plans.Plan, workers: int = 1, chunk: int | None = None) -> dict[str, object]:
    with engine("local", workers) as where:
        return sweeps.run(plan, where, chunk=chunk).as_json()
