"""Fair timing: contenders run in turn, round by round, and medians are compared with the noise beside them.

A result that beats its own limit is an error: then the limit was no limit, or the work was not equal.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds of every round."""

    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def noise(self) -> float:
        """Slowest over fastest round."""
        return max(self.seconds) / min(self.seconds)


def spin(count: int = 2_000_000) -> float:
    """Seconds of a fixed pure-Python loop: how fast this machine is just now."""
    started = time.process_time()
    n = 0
    while n < count:
        n += 1
    return time.process_time() - started


def interleaved(
    contenders: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.process_time
) -> dict[str, Timing]:
    """Time every contender once a round, after a round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    spins = [spin()]
    for number in range(rounds + 1):
        for name, work in contenders.items():
            started = clock()
            work()
            if number:
                seconds[name].append(clock() - started)
        spins.append(spin())
    print(f"  spin calibration {statistics.median(spins) * 1e3:.0f} ms, slowest/fastest {max(spins) / min(spins):.2f}")
    return {name: Timing(s) for name, s in seconds.items()}


def report(timings: Mapping[str, Timing], unit: Callable[[float], str]) -> None:
    """A line a contender: median, noise."""
    for name, t in timings.items():
        print(f"  {name:32s} {unit(t.median):>14s}   noise {t.noise:.2f}")


QUICK = "--quick" in sys.argv  # shows that a bench works; its figures are too few to contradict a limit


def judge(what: str, value: float, goal: float, at_most: bool = False, limit: float | None = None) -> bool:
    """Print a ratio beside its goal.

    Raises:
        AssertionError: The value beats its limit, so the measurement is wrong.
    """
    if limit is not None and not QUICK and (value < limit if at_most else value > limit):
        raise AssertionError(f"{what}: {value:.2f} beats its limit {limit:g}; the limit or the work is wrong")
    met = value <= goal if at_most else value >= goal
    print(
        f"  {what}: {value:.2f} (goal {'at most' if at_most else 'at least'} {goal:g}: {'met' if met else 'NOT MET'})"
    )
    return met
