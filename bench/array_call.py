"""TRAIN_COST over 5 million rows: against naive numpy, and against a mover of the same memory.

Goals: at least 2x naive numpy; at least 0.3 of a mover that reads eight columns and writes one; flat memory.

Naive numpy makes whole-column temporaries, so its speed hangs on what the system does with fresh memory. It is measured
with ordinary pages, as on Windows and macOS, where the goal is judged, and with the huge pages that Linux can give,
where that cost all but disappears and the ratio is printed without a goal.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import numpy as np
from harness import interleaved, judge, report

import xl_econ

CHUNK = 8192


def columns(rows: int) -> list[np.ndarray]:
    rng = np.random.default_rng(20261123)
    low_high = [(1, 500), (0.1, 20), (300, 2000), (0.2, 0.5), (1, 4), (0.8, 1), (0, 0.2), (0, 1)]
    return [rng.uniform(low, high, rows) for low, high in low_high]


def naive(c: list[np.ndarray]) -> np.ndarray:
    """The same arithmetic in the same order as a person would write it over whole columns."""
    flop = 6.0 * (c[0] * 1e9) * (c[1] * 1e12)
    hours = flop / (c[2] * 1e12 * c[3] * 3600.0 * c[5])
    return hours * c[4] * (1 + c[6])


def mover(c: list[np.ndarray]) -> np.ndarray:
    """Reads eight columns and writes one, chunk by chunk: what memory alone allows."""
    out = np.empty_like(c[0])
    for start in range(0, len(out), CHUNK):
        part = out[start : start + CHUNK]
        np.add(c[0][start : start + CHUNK], c[1][start : start + CHUNK], out=part)
        for column in c[2:]:
            np.add(part, column[start : start + CHUNK], out=part)
    return out


def peak_megabytes(rows: int) -> float:
    """Memory that the call adds to its columns, in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--memory", str(rows)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def memory(rows: int) -> None:
    c = columns(rows)
    xl_econ.train_cost(*[x[:CHUNK] for x in c[:7]])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    out = xl_econ.train_cost(*c[:7])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print((after - before) / 1024 - out.nbytes / 2**20)


def measured(pages: str, rows: int, rounds: int) -> tuple[float, float]:
    """Naive over ours and mover over ours, in a process with huge pages on or off."""
    env = os.environ | {"NUMPY_MADVISE_HUGEPAGE": "1" if pages == "huge" else "0"}
    command = [sys.executable, __file__, "--ratios", pages, str(rows), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    *lines, last = done.stdout.splitlines()
    print("\n".join(lines))
    naive_ratio, mover_ratio = map(float, last.split())
    return naive_ratio, mover_ratio


def ratios(pages: str, rows: int, rounds: int) -> None:
    print(f" {pages} pages")
    c = columns(rows)
    np.testing.assert_allclose(xl_econ.train_cost(*c[:7]), naive(c), rtol=1e-13)  # equal work
    timings = interleaved(
        {
            "xl_econ.train_cost, checked": lambda: xl_econ.train_cost(*c[:7]),
            "naive numpy, unchecked": lambda: naive(c),
            "memory mover, 8 in 1 out": lambda: mover(c),
        },
        rounds,
    )
    report(timings, lambda s: f"{s / rows * 1e9:.1f} ns/row")
    ours, whole, moved = (t.median for t in timings.values())
    print(whole / ours, moved / ours)


def main(quick: bool = False) -> bool:
    rows, rounds = (200_000, 3) if quick else (5_000_000, 9)
    print(f"array call: TRAIN_COST, 7 columns of {rows:,} rows, CPU time, median of {rounds} interleaved rounds")
    over_naive, of_mover = measured("ordinary", rows, rounds)
    ok = judge("naive numpy over ours", over_naive, 2.0)
    ok &= judge("mover over ours", of_mover, 0.3, limit=1.0)
    huge_naive, huge_mover = measured("huge", rows, rounds)
    print(f"  naive numpy over ours: {huge_naive:.2f}, mover over ours: {huge_mover:.2f} (no goal)")
    added = max(peak_megabytes(n) for n in ((rows,) if quick else (rows // 4, rows)))
    return ok & judge("MB of memory beside columns and result", max(added, 0.0), 8, at_most=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--memory", count]:
            memory(int(count))
        case ["--ratios", size, count, times]:
            ratios(size, int(count), int(times))
        case options:
            raise SystemExit(0 if main("--quick" in options) else 1)
