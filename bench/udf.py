"""The UDF path against stock xlwings, through its real server, without COM: a range in, a range out, a single call.

Goals: reading 100,000 x 8 cells, error cells told apart, at least 8x faster; writing them at least 10x; the overhead of
a call of five cells at least 3x less. COM itself, which costs the same or more for stock wrappers, is not in it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from harness import interleaved, judge, report

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from fake_pywin32 import server

SERVER = server()
sys.modules["stock_udf"] = sys.modules[__name__]  # where the server finds `stock`

import xlwings as xw  # noqa: E402  (the server has to come first)
from xlwings import conversion  # noqa: E402

import xl_econ  # noqa: E402
from xl_econ.hosts.marshal import incoming, outgoing  # noqa: E402

COST = (37.0, 14.8, 989.4, 0.389, 2.0)
CALLS = 500


@xw.func  # type: ignore[untyped-decorator]
def stock(params_b, tokens_t, peak_tflops, mfu, usd_per_gpu_hour):  # type: ignore[no-untyped-def]
    """As somebody would write it with xlwings alone."""
    return xl_econ.train_cost(params_b, tokens_t, peak_tflops, mfu, usd_per_gpu_hour)


def ranges(rows: int, rounds: int) -> bool:
    array = np.random.default_rng(20261123).uniform(1, 100, (rows, 8))
    cells = tuple(map(tuple, array.tolist()))
    read_options = {"convert": np.array, "ndim": 2, "err_to_str": True}
    # Equal work: the same array read, the same cells written.
    np.testing.assert_array_equal(incoming(cells), conversion.read(None, cells, read_options))
    assert outgoing(array) == conversion.write(array, None, {})
    # And the error cells are told apart among them.
    assert incoming((*cells[:9], (-2146826246, *cells[9][1:])))[9][0] == "#N/A"
    print(f" {rows:,} x 8 cells")
    t = interleaved(
        {
            "stock: read": lambda: conversion.read(None, cells, read_options),
            "ours: read": lambda: incoming(cells),
            "stock: write": lambda: conversion.write(array, None, {}),
            "ours: write": lambda: outgoing(array),
        },
        rounds,
    )
    report(t, lambda s: f"{s * 1e3:.1f} ms")
    reading = judge("reading, times faster", t["stock: read"].median / t["ours: read"].median, 8, limit=1000)
    writing = judge("writing, times faster", t["stock: write"].median / t["ours: write"].median, 10, limit=1000)
    return reading and writing


def single(rounds: int) -> bool:
    def repeated(call: Callable[[], object]) -> Callable[[], None]:
        def work() -> None:
            for _ in range(CALLS):
                call()

        return work

    contenders = {
        "plain function": lambda: xl_econ.train_cost(*COST),
        "stock": lambda: SERVER.CallUDF("stock_udf", "stock", COST),
        "ours": lambda: SERVER.CallUDF("xl_econ.hosts.udf", "CALL", (("TRAIN_COST", *COST),)),
    }
    assert len({call() for call in contenders.values()}) == 1  # equal work
    print(f" one cell, {CALLS} calls a round")
    t = interleaved({name: repeated(call) for name, call in contenders.items()}, rounds)
    report(t, lambda s: f"{s / CALLS * 1e6:.1f} us")
    plain = t["plain function"].median
    ratio = (t["stock"].median - plain) / (t["ours"].median - plain)
    return judge("overhead of a call, times less", ratio, 3, limit=100)


def main(quick: bool = False) -> bool:
    rounds = 2 if quick else 7
    met = ranges(10_000 if quick else 100_000, rounds)
    return single(2 * rounds) and met


if __name__ == "__main__":
    raise SystemExit(0 if main("--quick" in sys.argv) else 1)
