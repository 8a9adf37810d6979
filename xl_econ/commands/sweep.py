"""The command `sweep`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .printing import print_grid, print_json, rounded

if TYPE_CHECKING:
    import argparse


def sweep(args: argparse.Namespace) -> int:
    from xl_econ import engines
    from xl_econ.sweep import run as sweeps
    from xl_econ.sweep.cases import read

    plan = sweeps.plan(read(args.cases, args.name), args.n, args.seed, args.method, (), args.budget, args.max_points)
    with engines.engine(args.engine, args.workers) as where:
        result = sweeps.run(plan, where)
    found = result.as_json()
    if args.json:
        return print_json(found)
    print_grid([[k, rounded(v)] for k, v in found["quantiles"].items()])
    return 0
