"""What a sweep does: which draws of which study, of which figures, checked before any of it is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from xl_econ.core.errors import InputError, UsageError
from xl_econ.workbook import rate_card

from .cases import Study
from .draws import BLOCK, grid_size, known_method, points
from .sketch import Sketch

EXACT = 1 << 20  # draws, times outputs, whose values are kept for exact quantiles
MAX_POINTS = 100_000_000
MOST_DRAWS = 10**15  # a thousand processors for a day
DRAWS = 10_000  # where nobody says how many


@dataclass(frozen=True)
class Plan:
    """A sweep: plain data that decides every bit of its result."""

    study: Study
    method: str
    n: int
    seed: int
    outputs: tuple[str, ...]
    budgets: tuple[float, ...] = ()
    keeps: bool = False  # all draws are given back
    card: str | None = None

    @property
    def exact(self) -> bool:
        return self.n * len(self.outputs) <= EXACT

    @property
    def blocks(self) -> int:
        return -(-self.n // BLOCK)

    @property
    def drawn(self) -> str:
        """How the draws are made, as a person reads it; a grid has no seed."""
        return self.method if self.method == "grid" else f"{self.method}, seed {self.seed}"

    def sketches(self) -> dict[str, Sketch]:
        """Empty ones, by output; budgets are of the first."""
        some = enumerate(self.outputs)
        return {key: Sketch(() if at else self.budgets, binned=not self.exact) for at, key in some}


def plan(
    case: Study,
    n: int | None = None,
    seed: int = 0,
    method: str | None = None,
    outputs: Sequence[str] = (),
    budgets: Sequence[float] = (),
    max_points: int = MAX_POINTS,
    keeps: bool = False,
) -> Plan:
    """What a sweep of a study does.

    Args:
        case: The study.
        n: Draws, 10,000 if None; a grid has its own number.
        seed: What decides the draws; a whole number of at least 0.
        method: `mc`, `lhs`, `sobol` or `grid`; without one a grid where everything that varies is a list, else `mc`.
        outputs: Keys of the figures, the first of which the report is about; the target's result without any.
        budgets: Of the first figure: how often it is above.
        max_points: The largest grid.
        keeps: All draws are given back, part by part.

    Raises:
        InputError: A distribution in a grid, an unknown figure, a grid that is too large: says how large it would be.
        UsageError: An unknown method, a number that cannot be.
    """
    method = known_method(method or ("grid" if case.is_grid and n is None else "mc"))
    if method == "grid":
        n = _grid_points(case, n, max_points)
    n = DRAWS if n is None else n
    if not 1 <= n <= MOST_DRAWS:
        raise UsageError(f"-n {n}: must be at least 1" if n < 1 else f"-n {n:.3g}: at most {MOST_DRAWS:.0e} draws")
    if seed < 0:
        raise UsageError(f"--seed {seed}: must be at least 0")
    for budget in budgets:
        if not math.isfinite(budget):
            raise UsageError(f"--budget {budget}: must be a finite number")
    what = case.compute()
    for key in outputs:
        what.output(key)
    card = rate_card.current()
    chosen = tuple(dict.fromkeys(outputs)) or (what.result,)
    where = str(card.absolute()) if card else None
    return Plan(case, method, n, seed, chosen, tuple(map(float, budgets)), keeps, where)


def _grid_points(case: Study, n: int | None, most: int) -> int:
    if case.correlations:
        raise InputError("a grid has every combination, so that nothing correlates in it; or take --method mc")
    for key, d in case.varied:
        if d.continuous:
            raise InputError(f"{key}: a grid takes single values (a list, or low, high and steps); or take --method mc")
    size = grid_size(dict(case.varied))
    if size > min(most, MOST_DRAWS):
        counts = " x ".join(f"{len(points(d)):,} of {key}" for key, d in case.varied)
        raise InputError(
            f"a grid of {size:,} points ({counts}); at most {min(most, MOST_DRAWS):,} "
            + ("without --max-points, " if most < MOST_DRAWS else "whatever --max-points says, ")
            + "or take --method mc"
        )
    if n is not None and n != size:
        raise UsageError(f"a grid has as many draws as points, {size:,}; leave out -n {n}")
    return size
