"""Sweeps: draws of a study computed block by block wherever an engine runs them, and put together to the last bit."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from xl_econ import engines
from xl_econ.core.errors import InputError, UsageError, nearest
from xl_econ.workbook import rate_card

from .cases import Study, read, study
from .distributions import Block
from .draws import BLOCK, Draws, grid_size, known_method
from .sketch import Sketch

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
EXACT = 1 << 20  # draws, times outputs, whose values are kept for exact quantiles
MAX_POINTS = 100_000_000
_TASK_BLOCKS = 64
_ROUNDS = 8  # tasks for each worker, so that none is left alone with the last one


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


@dataclass(frozen=True)
class Task:
    """Blocks of a sweep."""

    plan: Plan
    start: int
    stop: int


@dataclass
class Part:
    """What a task gives."""

    stop: int
    sketches: dict[str, Sketch]
    columns: dict[str, Any] = field(default_factory=dict)


def work(task: Task) -> Part:
    """Draw and compute the blocks of a task."""
    return _worker(task.plan, threading.get_ident()).part(task)


class _Worker:
    """What a process keeps between the tasks of a sweep."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.target = plan.study.compute()
        self.draws = Draws(dict(plan.study.varied), plan.study.correlations, plan.method, plan.n, plan.seed)
        self.fixed = dict(plan.study.fixed)

    def part(self, task: Task) -> Part:
        plan = self.plan
        sketches = {
            key: Sketch(plan.budgets if at == 0 else (), binned=not plan.exact) for at, key in enumerate(plan.outputs)
        }
        kept: list[dict[str, Any]] = []
        for number in range(task.start, task.stop):
            inputs = self.draws.block(number)
            found = self.target.compute(self.fixed | inputs, plan.outputs)
            size = min(BLOCK, plan.n - number * BLOCK)
            columns = {key: _column(found[key], size) for key in plan.outputs}
            for key, sketch in sketches.items():
                sketch.add(columns[key])
            if plan.keeps:
                kept.append({k: np.array(v) for k, v in (inputs | columns).items()})
            elif plan.exact:
                kept.append({k: np.array(v) for k, v in columns.items()})
        together = {k: np.concatenate([block[k] for block in kept]) for k in kept[0]} if kept else {}
        return Part(task.stop, sketches, together)


@lru_cache(maxsize=64)
def _worker(plan: Plan, _thread: int) -> _Worker:
    """What this thread keeps: a worker of Dask can have several, and they must not draw into the same columns."""
    np.empty(1 << 20)  # freed at once: now the C library keeps freed memory instead of giving it back at each turn
    with rate_card.using(Path(plan.card) if plan.card else None):
        return _Worker(plan)


def _column(found: Any, size: int) -> Block:
    """An output as a column; one that nothing that varies touches is a single number."""
    column = np.asarray(found, dtype=float)
    return column if column.shape == (size,) else np.full(size, column)


def tasks(plan: Plan, workers: int, chunk: int | None = None) -> Iterator[Task]:
    """The tasks of a plan; they end where convergence is looked at, after powers of two of blocks."""
    step = chunk or max(1, min(_TASK_BLOCKS, plan.blocks // (workers * _ROUNDS)))
    start = 0
    while start < plan.blocks:
        power = 1 << start.bit_length()  # the next power of two
        stop = min(start + step, power, plan.blocks)
        yield Task(plan, start, stop)
        start = stop


@dataclass
class Result:
    """What a sweep found."""

    plan: Plan
    sketches: dict[str, Sketch]
    values: dict[str, Block]
    shares: tuple[float, ...]
    convergence: list[dict[str, Any]]

    def quantiles(self, key: str, shares: Sequence[float]) -> list[float]:
        return _quantiles(self.sketches[key], self.values.get(key), shares)

    def as_json(self) -> dict[str, Any]:
        """The report for machines: the headline's numbers, and those of the other outputs under `outputs`."""
        plan = self.plan
        first, *others = plan.outputs
        found: dict[str, Any] = {
            "name": plan.study.name,
            "target": plan.study.target,
            "method": plan.method,
            "n": plan.n,
            "seed": plan.seed,
        }
        found |= self._of(first)
        found["exceedance"] = self.exceedance()
        found["convergence"] = self.convergence
        found["quantiles_are"] = "exact" if plan.exact else "within 0.1%"
        found["outputs"] = {key: self._of(key) for key in others}
        found["remarks"] = plan.study.remarks
        return found

    def exceedance(self) -> list[dict[str, float]]:
        """For each budget the share of draws above it."""
        s = self.sketches[self.plan.outputs[0]]
        return [
            {"budget": b, "probability": k / s.n if s.n else math.nan} for b, k in zip(s.budgets, s.above, strict=True)
        ]

    def _of(self, key: str) -> dict[str, Any]:
        s = self.sketches[key]
        given = {"mean": s.mean, "sd": s.sd, "skew": s.skew, "min": s.low, "max": s.high}
        found: dict[str, Any] = {"output": key, "without_result": s.without}
        found |= {k: v if math.isfinite(v) else None for k, v in given.items()}
        pairs = zip(self.shares, self.quantiles(key, self.shares), strict=True)
        found["quantiles"] = {label(q): v if math.isfinite(v) else None for q, v in pairs}
        return found


def label(q: float) -> str:
    """p10 of 0.1."""
    return f"p{q * 100:.10g}"


def _quantiles(sketch: Sketch, values: Block | None, shares: Sequence[float]) -> list[float]:
    if values is None:
        return sketch.quantiles(shares)
    finite = values[np.isfinite(values)]
    return np.quantile(finite, shares).tolist() if finite.size else [math.nan] * len(shares)


def run(
    plan: Plan,
    engine: engines.Engine,
    shares: Sequence[float] = QUANTILES,
    chunk: int | None = None,
    on_progress: Callable[[int], object] = lambda _: None,
    on_part: Callable[[Part], object] = lambda _: None,
) -> Result:
    """Run a plan."""
    sketches = {
        key: Sketch(plan.budgets if at == 0 else (), binned=not plan.exact) for at, key in enumerate(plan.outputs)
    }
    values: dict[str, Block] = {key: np.empty(plan.n) for key in plan.outputs} if plan.exact else {}
    convergence: list[dict[str, Any]] = []
    done = 0
    for part in engine.run(work, tasks(plan, engine.workers, chunk)):
        for key, sketch in sketches.items():
            sketch.merge(part.sketches[key])
        until = min(part.stop * BLOCK, plan.n)
        for key, column in values.items():
            column[done:until] = part.columns[key]
        on_part(part)
        if part.stop & (part.stop - 1) == 0 or part.stop == plan.blocks:
            first = plan.outputs[0]
            convergence.append(_state(until, sketches[first], values[first][:until] if values else None))
        on_progress(until - done)
        done = until
    return Result(plan, sketches, values, tuple(shares), convergence)


def _state(n: int, sketch: Sketch, values: Block | None) -> dict[str, Any]:
    """Mean, P50 and P90 after so many draws, and their standard errors were the draws independent."""
    if not sketch.n:
        return {"n": n}
    found: dict[str, Any] = {
        "n": n,
        "mean": sketch.mean,
        "mean_se": sketch.sd / math.sqrt(sketch.n) if sketch.n > 1 else None,
    }
    for q in (0.5, 0.9):
        off = math.sqrt(q * (1 - q) / sketch.n)
        low, at, high = _quantiles(sketch, values, (max(q - off, 0), q, min(q + off, 1)))
        found |= {label(q): at, f"{label(q)}_se": (high - low) / 2}
    return found


def plan(
    case: Study,
    n: int | None = None,
    seed: int = 0,
    method: str | None = None,
    outputs: Sequence[str] = (),
    budgets: Sequence[float] = (),
    max_points: int = MAX_POINTS,
) -> Plan:
    """What a sweep of a study does."""
    method = known_method(method or ("grid" if case.is_grid and n is None else "mc"))
    varied = dict(case.varied)
    if method == "grid":
        for key, d in varied.items():
            if d.continuous:
                raise InputError(
                    f"{key}: a grid needs single values: low, high and steps, or a list (or take --method mc)"
                )
        size = grid_size(varied)
        if size > max_points:
            raise InputError(
                f"a grid of {size:,} points ({size:.1e}); at most {max_points:,} (--max-points), or take --method mc"
            )
        if n is not None and n != size:
            raise UsageError(f"a grid has as many draws as points, {size:,}; leave out -n {n:,}")
        n = size
    n = 10_000 if n is None else n
    if n < 1:
        raise UsageError(f"-n {n}: must be at least 1")
    what = case.compute()
    for key in outputs:
        if key not in what.outputs:
            raise UsageError(f"{what.name} has no output {key!r}{nearest(key, what.outputs)}")
    card = rate_card.current()
    chosen = tuple(outputs) or (what.result,)
    return Plan(case, method, n, seed, chosen, tuple(budgets), card=str(card) if card else None)


def sweep(
    name: str,
    case: Mapping[str, Any] | str | Path,
    n: int | None = None,
    *,
    seed: int = 0,
    method: str | None = None,
    budgets: Sequence[float] = (),
    workers: int = 1,
    engine: str = "local",
) -> Result:
    """Run a sweep."""
    found = study(case, name) if isinstance(case, Mapping) else read(Path(case), name)
    with engines.engine(engine, workers) as where:
        return run(plan(found, n, seed, method, (), budgets), where)
