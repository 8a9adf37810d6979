"""Output tokens a second and accelerator that TOKENS_PER_GPU predicts against measured ones: how right inference is.

The promise, in |ln(predicted / measured)|, with the constants of the profile "default" and nothing known of the engine:
median at most 0.15, nine of ten points within 0.50, 95% within a factor of 2. Beside it the naive formulas, and the
latencies. data/measured_throughput.csv holds the points; docs/method.md tells what was fitted on what.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from harness import judge

import xl_econ
from xl_econ.hosts.python import each
from xl_econ.metrics import get
from xl_econ.metrics.serving import BAND
from xl_econ.tables.store import TABLES

POINTS = Path(__file__).parent / "data" / "measured_throughput.csv"
MEDIAN_GOAL, P90_GOAL, TWICE_GOAL = 0.15, 0.50, 95
NAIVE_MFU = 0.4


def points() -> pd.DataFrame:
    return pd.read_csv(POINTS)


def arguments(found: pd.DataFrame) -> dict[str, np.ndarray]:
    """What the metrics take of each point."""
    names = ("model", "gpu", "input_tokens", "output_tokens", "batch", "gpus", "precision")
    return {name: found[name].to_numpy() for name in names}


def predicted(found: pd.DataFrame, name: str) -> np.ndarray:
    """A metric at every point; not a number where it says that the model does not fit, although it was run."""
    metric = get(name)
    return np.array(each(metric, metric.bind((), arguments(found)), lambda _: np.nan), dtype=float)


def figure(found: pd.DataFrame, table: str, by: str, column: str) -> np.ndarray:
    return np.asarray(TABLES[table].lookup(found[by].to_numpy(), column), dtype=float)


def peak_flop(found: pd.DataFrame) -> np.ndarray:
    """Dense peak at the point's precision, FLOP a second: the one by which naive formulas are written."""
    computes = TABLES["precisions"].lookup(found.precision.to_numpy(), "compute")
    columns = np.where(
        (computes == "fp4") & found.gpu.str.startswith("H").to_numpy(), "bf16", computes
    )  # no FP4 on Hopper
    return np.asarray(TABLES["accelerators"].lookup(found.gpu.to_numpy(), columns), dtype=float) * 1e12


def flop_per_token(found: pd.DataFrame) -> np.ndarray:
    """2P with all parameters: for a mixture of experts the kinder reading, as the active ones would err far more."""
    return 2e9 * figure(found, "model_architectures", "model", "params_total_b")


def one_mfu(found: pd.DataFrame) -> np.ndarray:
    """A share of the peak over 2 FLOP a parameter."""
    return NAIVE_MFU * peak_flop(found) / flop_per_token(found)


def seed_utilization(found: pd.DataFrame) -> np.ndarray:
    """The seed's utilization by batch size in place of one share."""
    return np.asarray(xl_econ.batch_utilization(found.batch.to_numpy())) * peak_flop(found) / flop_per_token(found)


def bandwidth(found: pd.DataFrame) -> np.ndarray:
    """A batch of tokens for every time that all weights are read at full bandwidth."""
    weights = figure(found, "model_architectures", "model", "params_total_b") * figure(
        found, "precisions", "precision", "weight_bytes"
    )
    return found.batch.to_numpy() * figure(found, "accelerators", "gpu", "hbm_tbps") * 1e3 / weights


CONTENDERS: dict[str, Callable[[pd.DataFrame], np.ndarray]] = {
    f"{NAIVE_MFU:.0%} of the peak / 2P": one_mfu,
    "the seed's utilization by batch x peak / 2P": seed_utilization,
    "batch x bandwidth / weights": bandwidth,
}


def errors(prediction: np.ndarray, measured: pd.Series) -> np.ndarray:
    """ln(predicted / measured); a point that is said not to exist is infinitely wrong."""
    return np.nan_to_num(np.log(prediction / measured.to_numpy()), nan=np.inf)


def line(label: str, found: np.ndarray) -> str:
    size = np.abs(found)
    return (
        f"  {label:46s} {len(size):5d} {np.median(size):7.3f} {np.quantile(size, 0.9):7.3f}"
        f" {np.mean(size <= np.log(1.25)):7.0%} {np.mean(size <= np.log(2)):7.1%} {np.median(found):+8.3f}"
    )


def table(title: str, rows: dict[str, np.ndarray]) -> None:
    print(f" {title}\n  {'':46s} points median     p90  in 25%   in 2x   signed")
    for label, found in rows.items():
        print(line(label, found))


def main(quick: bool = False) -> bool:
    print("accuracy of inference: output tokens a second and accelerator predicted by TOKENS_PER_GPU against measured")
    found = points()
    measured = found.tokens_per_second_per_gpu
    ours = errors(predicted(found, "TOKENS_PER_GPU"), measured)
    naive = {label: errors(f(found), measured) for label, f in CONTENDERS.items()}
    table("all points", {"TOKENS_PER_GPU, default profile": ours} | naive)
    for by in () if quick else ("model", "gpu", "engine", "precision"):
        table(f"by {by}", {f"  {name}": ours[rows] for name, rows in found.groupby(by).indices.items()})
    print(f"  said not to fit, although it ran: {int(np.sum(np.isinf(ours)))} of {len(ours)}")
    latencies = {
        "ITL_MS": errors(predicted(found, "ITL_MS"), found.itl_ms),
        "TTFT_MS (indicative)": errors(predicted(found, "TTFT_MS"), found.ttft_ms),
    }
    table("latencies", latencies)
    size = np.abs(ours)
    median = float(np.median(size))
    met = judge("median |ln error|", median, MEDIAN_GOAL, at_most=True)
    met &= judge("90th percentile of |ln error|", float(np.quantile(size, 0.9)), P90_GOAL, at_most=True)
    met &= judge("the band that TOKEN_COST states over e^p90", BAND / np.exp(np.quantile(size, 0.9)), 1)
    met &= judge("within a factor of 2, %", 100 * float(np.mean(size <= np.log(2))), TWICE_GOAL)
    for label, other in naive.items():
        met &= judge(f"{label}: median over ours", float(np.median(np.abs(other))) / median, 1)
    return met


if __name__ == "__main__":
    raise SystemExit(0 if main("--quick" in sys.argv) else 1)
