"""Where the constants of the profile "default" come from: a search over a grid, on all points and with a part left out.

Takes some minutes, so it is not one of the benches that run together. The objective is median + 0.35 x p90 of
|ln(predicted / measured)|; the constants are shared by all models, accelerators, engines and precisions. What the data
cannot tell (mfu_decode, reserve, activation_gb, draft_cost) is not fitted. docs/method.md quotes what this prints.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from accuracy_inference import arguments, errors, points, predicted

import xl_econ
from xl_econ.tables.store import TABLES

GRID = {
    "mbu": np.arange(0.55, 1.01, 0.05),
    "mfu_prefill": np.arange(0.20, 0.81, 0.05),
    "layer_us": np.arange(20, 141, 5),
    "moe_us": np.arange(0, 121, 5),
    "request_us": np.arange(0, 121, 5),
}
DEFAULT: Any = TABLES["inference_profiles"].shipped["default"]
Constants = dict[str, float]


def sizes(found: pd.DataFrame, constants: Constants) -> np.ndarray:
    """|ln(predicted / measured)| with these constants."""
    profile = DEFAULT.model_copy(update=constants)
    return np.abs(errors(xl_econ.tokens_per_gpu(**arguments(found), profile=profile), found.tokens_per_second_per_gpu))


def badness(found: pd.DataFrame, constants: Constants) -> float:
    size = sizes(found, constants)
    return float(np.median(size) + 0.35 * np.quantile(size, 0.9))


def fit(found: pd.DataFrame) -> Constants:
    """One constant after the other along its grid, until none gets better."""
    best = {name: float(getattr(DEFAULT, name)) for name in GRID}
    least = badness(found, best)
    before = None
    while before != best:
        before = dict(best)
        for name, grid in GRID.items():
            tried = [(badness(found, best | {name: round(float(v), 2)}), round(float(v), 2)) for v in grid]
            if min(tried)[0] < least - 1e-6:
                least, best[name] = min(tried)
    return best


def line(label: str, size: np.ndarray) -> None:
    within = np.mean(size <= np.log(2))
    print(f"  {label:24s} median {np.median(size):.3f}  p90 {np.quantile(size, 0.9):.3f}  within 2x {within:.1%}")


def main() -> None:
    found = points()
    runs = np.isfinite(errors(predicted(found, "TOKENS_PER_GPU"), found.tokens_per_second_per_gpu))
    found = found[runs].reset_index(drop=True)  # what is said not to fit has no prediction to fit
    line("default", sizes(found, {}))
    best = fit(found)
    line("fitted on all points", sizes(found, best))
    print(f"    {best}")
    for by in ("model", "gpu", "engine"):
        left_out = []
        for name in found[by].unique():
            rest = found[found[by] != name].reset_index(drop=True)
            left_out.append(sizes(found[found[by] == name].reset_index(drop=True), fit(rest)))
        line(f"leave one {by} out", np.concatenate(left_out))


if __name__ == "__main__":
    main()
