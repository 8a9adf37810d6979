"""Sweeps: draws of a study computed block by block wherever an engine runs them, and put together to the last bit."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np

from xl_econ import engines
from xl_econ.engines.base import Engine
from xl_econ.workbook import rate_card

from .cases import read, study
from .distributions import Block
from .draws import BLOCK, Draws
from .draws_file import writing
from .plan import MAX_POINTS, Plan, plan
from .sketch import Sketch

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
_TASK_BLOCKS = 64  # that are worth a message
_TASKS = 20_000  # that a scheduler keeps in hand; of so many draws that there would be more, tasks are larger
_ROUNDS = 8  # tasks for each worker, so that none is left alone with the last one


@dataclass(frozen=True)
class Task:
    """Blocks of a sweep."""

    plan: Plan
    start: int
    stop: int


@dataclass
class Part:
    """What a task gives."""

    start: int
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
        sketches = plan.sketches()
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
        return Part(task.start, task.stop, sketches, together)


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


def tasks(plan: Plan, workers: int, chunk: int | None = None, start: int = 0) -> Iterator[Task]:
    """The tasks of a plan; they end where convergence is looked at, after powers of two of blocks."""
    most = max(_TASK_BLOCKS, plan.blocks // _TASKS)
    step = chunk or max(1, min(most, plan.blocks // (workers * _ROUNDS)))
    while start < plan.blocks:
        power = 1 << start.bit_length()  # the next power of two
        stop = min(start + step, power, plan.blocks)
        yield Task(plan, start, stop)
        start = stop


@dataclass
class Gathered:
    """What is known of a sweep after so many blocks.

    Attributes:
        taking: A part is half in it: nothing for a state.
    """

    plan: Plan
    stop: int
    sketches: dict[str, Sketch]
    values: dict[str, Block]
    convergence: list[dict[str, Any]]
    taking: bool = False

    @classmethod
    def nothing(cls, plan: Plan) -> Self:
        """What is known before the first block."""
        values = {key: np.empty(plan.n) for key in plan.outputs} if plan.exact else {}
        return cls(plan, 0, plan.sketches(), values, [])

    @property
    def done(self) -> int:
        """Draws that are in it."""
        return min(self.stop * BLOCK, self.plan.n)

    def take(self, part: Part) -> None:
        """Take in the blocks that come next."""
        self.taking = True
        before, self.stop = self.done, part.stop
        for key, sketch in self.sketches.items():
            sketch.merge(part.sketches[key])
        for key, column in self.values.items():
            column[before : self.done] = part.columns[key]
        is_looked_at = part.stop & (part.stop - 1) == 0 or part.stop == self.plan.blocks
        if is_looked_at and self.plan.method != "grid":  # its points come in order
            first = self.plan.outputs[0]
            values = self.values[first][: self.done] if self.values else None
            self.convergence.append(_state(self.done, self.sketches[first], values))
        self.taking = False


@dataclass
class Result:
    """What a sweep found.

    Attributes:
        gathered: Of all its draws.
        shares: Of which quantiles it tells.
    """

    gathered: Gathered
    shares: tuple[float, ...]

    @property
    def plan(self) -> Plan:
        return self.gathered.plan

    @property
    def sketches(self) -> dict[str, Sketch]:
        return self.gathered.sketches

    @property
    def convergence(self) -> list[dict[str, Any]]:
        return self.gathered.convergence

    def quantiles(self, key: str, shares: Sequence[float]) -> list[float]:
        """Quantiles of an output."""
        return _quantiles(self.sketches[key], self.gathered.values.get(key), shares)

    def errors(self, key: str) -> Mapping[str, float | None]:
        """Standard errors of the mean and the quantiles of an output, were the draws independent; a grid has none."""
        s, values = self.sketches[key], self.gathered.values.get(key)
        if self.plan.method == "grid" or s.n < 2:
            return dict.fromkeys(["mean", *map(label, self.shares)])
        found = _settled(s, values, self.shares)
        return {"mean": s.sd / math.sqrt(s.n)} | {label(q): e for q, (_, e) in zip(self.shares, found, strict=True)}

    def as_json(self) -> dict[str, Any]:
        """The report for machines: the headline's numbers, and those of the other outputs under `outputs`."""
        plan = self.plan
        first, *others = plan.outputs
        found: dict[str, Any] = {
            "name": plan.study.name,
            "target": plan.study.target,
            "method": plan.method,
            "n": plan.n,
            "seed": None if plan.method == "grid" else plan.seed,
        }
        found |= self._of(first)
        found["exceedance"] = self.exceedance()
        found["convergence"] = self.convergence
        found["quantiles_are"] = "exact" if plan.exact else "within 0.1%"
        found["outputs"] = {key: self._of(key) for key in others}
        found["remarks"] = plan.study.remarks
        return found

    def exceedance(self) -> list[dict[str, float | None]]:
        """For each budget the share of draws above it."""
        s = self.sketches[self.plan.outputs[0]]
        return [{"budget": b, "probability": k / s.n if s.n else None} for b, k in zip(s.budgets, s.above, strict=True)]

    def _of(self, key: str) -> dict[str, Any]:
        s = self.sketches[key]
        given = {"mean": s.mean, "sd": s.sd, "skew": s.skew, "min": s.low, "max": s.high}
        found: dict[str, Any] = {"output": key, "without_result": s.without}
        found |= {k: v if math.isfinite(v) else None for k, v in given.items()}
        pairs = zip(self.shares, self.quantiles(key, self.shares), strict=True)
        found["quantiles"] = {label(q): v if math.isfinite(v) else None for q, v in pairs}
        found["standard_errors"] = self.errors(key)
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
    engine: Engine,
    shares: Sequence[float] = QUANTILES,
    chunk: int | None = None,
    write: Callable[[Part], object] = lambda _part: None,
    on_part: Callable[[Gathered], object] = lambda _gathered: None,
    gathered: Gathered | None = None,
) -> Result:
    """Run a plan.

    Args:
        plan: What to do.
        engine: Where.
        shares: Of which quantiles to tell.
        chunk: Blocks a task; no bit of the result depends on it.
        write: Takes every part, in the order of the draws, before it counts: what a state counts is written.
        on_part: Called after every part.
        gathered: What an earlier run of the same plan has gathered; it goes on from there.

    Raises:
        EngineError: The workers are out of reach, or die.
    """
    found = gathered or Gathered.nothing(plan)
    for part in engine.run(work, tasks(plan, engine.workers, chunk, found.stop)):
        write(part)
        found.take(part)
        on_part(found)
    return Result(found, tuple(shares))


def _state(n: int, sketch: Sketch, values: Block | None) -> dict[str, Any]:
    """Mean, P50 and P90 after so many draws, and their standard errors were the draws independent."""
    if not sketch.n:
        return {"n": n}
    found: dict[str, Any] = {
        "n": n,
        "mean": sketch.mean,
        "mean_se": sketch.sd / math.sqrt(sketch.n) if sketch.n > 1 else None,
    }
    for q, (at, error) in zip(shares := (0.5, 0.9), _settled(sketch, values, shares), strict=True):
        found |= {label(q): at, f"{label(q)}_se": error}
    return found


def _settled(sketch: Sketch, values: Block | None, shares: Sequence[float]) -> list[tuple[float, float]]:
    """Quantiles and their standard errors: what lies where the share of draws below may be off by its own."""
    off = [math.sqrt(q * (1 - q) / sketch.n) for q in shares]
    around = [s for q, o in zip(shares, off, strict=True) for s in (max(q - o, 0), q, min(q + o, 1))]
    found = _quantiles(sketch, values, around)
    return [(at, (high - low) / 2) for low, at, high in zip(found[::3], found[1::3], found[2::3], strict=True)]


def sweep(
    name: str,
    case: Mapping[str, Any] | str | Path,
    n: int | None = None,
    *,
    seed: int = 0,
    method: str | None = None,
    outputs: Sequence[str] = (),
    budgets: Sequence[float] = (),
    quantiles: Sequence[float] = QUANTILES,
    draws: str | Path | None = None,
    workers: int = 1,
    engine: str = "local",
    max_points: int = MAX_POINTS,
) -> Result:
    """Draw uncertain inputs and compute a function, a chain of functions or a template for each draw.

    Args:
        name: The function or the template.
        case: What is fixed and what varies: a case file, or what one holds, as `{"inputs": {"mfu": {"dist":
            "triangular", "low": 0.2, "mode": 0.38, "high": 0.46}, ...}}`.
        n: Draws, 10,000 if None; a grid has its own number.
        seed: What decides the draws: the same seed gives the same result to the last bit, wherever it is computed.
        method: `mc`, `lhs`, `sobol` or `grid`; without one a grid where everything that varies is a list, else `mc`.
        outputs: Keys of the figures; the target's result without any.
        budgets: Of the first figure: how often it is above.
        quantiles: Shares below them.
        draws: A Parquet or CSV file for all draws, inputs and figures.
        workers: Processes at work.
        engine: `local`, `dask`, or `dask://host:port`.
        max_points: The largest grid.

    Returns:
        The result; `as_json()` has all of it.

    Raises:
        InputError: A case that cannot be drawn; says what is wrong with it.
        UsageError: An option that cannot be.
        EngineError: The workers are out of reach, or die.

    Example:
        >>> case = {"inputs": {"params_b": 405, "tokens_t": 15.6, "peak_tflops": 989.4, "mfu": [0.38, 0.41],
        ...         "usd_per_gpu_hour": 2.5}}
        >>> sweep("train_cost", case).plan.n
        2
    """
    found = study(case, name) if isinstance(case, Mapping) else read(Path(case), name)
    what = plan(found, n, seed, method, outputs, budgets, max_points, keeps=draws is not None)
    with contextlib.ExitStack() as opened:
        columns = opened.enter_context(writing(Path(draws))) if draws is not None else lambda _columns: None
        where = opened.enter_context(engines.engine(engine, min(workers, what.blocks)))
        return run(what, where, quantiles, write=lambda part: columns(part.columns))
