"""Start-up: `xl-econ --help` against bare Python, whole processes. Goal: at most 2.5 times bare Python's start."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from harness import interleaved, judge, report

# An installed package has its bytecode; the round that is not counted writes it, whatever this shell forbids.
ENV = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def start(*args: str) -> None:
    subprocess.run([sys.executable, *args], check=True, capture_output=True, env=ENV)


def main(quick: bool = False) -> bool:
    rounds = 5 if quick else 25
    print(f"start-up: whole processes, wall time, median of {rounds} interleaved rounds")
    timings = interleaved(
        {
            "xl-econ --help": lambda: start("-c", "from xl_econ.cli import main; main(['--help'])"),
            "xl-econ calc TRAIN_COST": lambda: start(
                "-m", "xl_econ", "calc", "TRAIN_COST", "37", "14.8", "989.4", "0.4", "2"
            ),
            "bare Python": lambda: start("-c", "pass"),
        },
        rounds,
        time.perf_counter,
    )
    report(timings, lambda s: f"{s * 1e3:.0f} ms")
    helped, _, bare = (t.median for t in timings.values())
    return judge("--help over bare Python", helped / bare, 2.5, at_most=True)


if __name__ == "__main__":
    raise SystemExit(0 if main("--quick" in sys.argv) else 1)
