"""TOKEN_COST over a million rows, models and accelerators by name in each: against a Python loop, in bounded memory.

Goals: at least 20x the loop over `token_cost` of floats; memory that does not grow with the rows, but for the columns.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import Any

import numpy as np
from harness import interleaved, judge, report

import xl_econ

MODELS = ("Llama-3.1-8B", "Llama-3.1/3.3-70B", "Mixtral-8x7B", "Qwen3-32B", "gpt-oss-120b", "DeepSeek-V3/R1")
GPUS = ("H100 SXM 80GB", "H200 SXM 141GB", "B200 SXM (HGX)")
LOOPED = 2_000  # rows of the loop, whose time a row is the same for any number of them


def columns(rows: int) -> dict[str, np.ndarray]:
    """Cases as a pipeline has them: six models, three accelerators, prices, requests, batches; they all fit."""
    rng = np.random.default_rng(20261123)
    return {
        "model": np.array(MODELS, dtype=object)[rng.integers(0, len(MODELS), rows)],
        "gpu": np.array(GPUS, dtype=object)[rng.integers(0, len(GPUS), rows)],
        "usd_per_gpu_hour": rng.uniform(1, 6, rows),
        "input_tokens": rng.integers(64, 8192, rows).astype(float),
        "output_tokens": rng.integers(16, 2048, rows).astype(float),
        "batch": rng.integers(1, 256, rows).astype(float),
        "gpus": np.full(rows, 16.0),
        "utilization": rng.uniform(0.1, 1, rows),
    }


def loop(c: dict[str, np.ndarray]) -> list[float]:
    """What a person would write over rows."""
    names = list(c)
    rows = zip(*(column.tolist() for column in c.values()), strict=True)
    return [xl_econ.token_cost(**dict(zip(names, row, strict=True))) for row in rows]


def head(c: dict[str, np.ndarray], rows: int) -> dict[str, np.ndarray]:
    return {name: column[:rows] for name, column in c.items()}


def measured(rows: int) -> float:
    """Megabytes that the call adds to its columns and its result, in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--memory", str(rows)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def memory(rows: int) -> None:
    c = columns(rows)
    xl_econ.token_cost(**head(c, 20_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    out = xl_econ.token_cost(**c)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print((after - before) / 1024 - out.nbytes / 2**20)


def main(quick: bool = False) -> bool:
    rows, rounds = (50_000, 2) if quick else (1_000_000, 5)
    print(f"TOKEN_COST: {rows:,} rows with names, CPU time, median of {rounds} interleaved rounds")
    c = columns(rows)
    few = head(c, LOOPED)
    np.testing.assert_allclose(xl_econ.token_cost(**few), loop(few), rtol=1e-12)  # equal work
    plain: dict[str, Any] = c | {"model": MODELS[1], "gpu": GPUS[0], "gpus": 2.0}
    timings = interleaved(
        {
            "array call, names in every row": lambda: xl_econ.token_cost(**c),
            "array call, one model": lambda: xl_econ.token_cost(**plain),
            f"Python loop, {LOOPED:,} rows": lambda: loop(few),
        },
        rounds,
    )
    report(timings, lambda s: f"{s * 1e3:.0f} ms")
    named, one_model, looped = (t.median for t in timings.values())
    per_row = looped / LOOPED * rows
    ok = judge("loop over array call, names in every row", per_row / named, 20)
    ok &= judge("loop over array call, one model", per_row / one_model, 20)
    added = max(measured(n) for n in ((rows,) if quick else (rows // 4, rows)))
    return ok & judge("MB of memory beside columns and result", max(added, 0.0), 16, at_most=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--memory", count]:
            memory(int(count))
        case options:
            raise SystemExit(0 if main("--quick" in options) else 1)
