"""Runs every bench, one after another; `--quick` only shows that they work. Never part of the tests."""

from __future__ import annotations

import sys

import accuracy_inference
import accuracy_training
import array_call
import audit
import audit_faults
import fill
import startup
import sweep
import token_cost_rows
import udf

BENCHES = (
    accuracy_training,
    accuracy_inference,
    array_call,
    token_cost_rows,
    fill,
    startup,
    udf,
    audit,
    audit_faults,
    sweep,
)


def main() -> int:
    quick = "--quick" in sys.argv
    met = []
    for bench in BENCHES:
        met.append(bench.main(quick))
        print()
    print(f"{sum(met)} of {len(met)} benches met their goals")
    return 0 if quick or all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
