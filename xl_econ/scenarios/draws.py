"""Which values the inputs take, draw by draw: the same whatever draws them, in blocks of any share of the whole.

A block of draws depends on the seed, the method and its number, and on nothing else. In seeded Monte Carlo every
input has a stream of its own, so that another distribution of one input leaves the draws of the others as they were.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xl_econ.core.errors import UsageError

from .correlation import mixing
from .distributions import HALF_STEP, Block, Discrete, Distribution, standard_normal

BLOCK = 8192  # draws; columns of so many stay in the second-level cache
METHODS = ("mc", "lhs", "sobol", "grid")
_BLOCK_STEPS = 1 << 40  # of a stream; no block takes so many


class Draws:
    """The draws of a study.

    Args:
        varied: What varies, by key, in an order that no file decides.
        correlations: Rank correlations of pairs of keys.
        method: One of METHODS.
        n: How many.
        seed: What decides them.
    """

    def __init__(
        self,
        varied: Mapping[str, Distribution],
        correlations: Sequence[tuple[str, str, float]],
        method: str,
        n: int,
        seed: int,
    ) -> None:
        self.varied, self.method, self.n, self.seed = varied, method, n, seed
        self.mixed, self.mix = mixing(tuple(varied), correlations)
        self._out = {key: np.empty(BLOCK) for key in varied}
        self._work = np.empty(BLOCK)
        self._sequence: Any = None  # of Sobol's numbers, where it was left

    @property
    def blocks(self) -> int:
        return -(-self.n // BLOCK)

    def block(self, number: int) -> dict[str, Any]:
        """The values of a block, by key. They stand where those of the block before stood."""
        start = number * BLOCK
        size = min(BLOCK, self.n - start)
        out = {key: column[:size] for key, column in self._out.items()}
        if self.method == "grid":
            return self._grid(start, size)
        if self.method == "mc":
            return self._random(number, out)
        uniform = self._sobol(start, out) if self.method == "sobol" else self._latin(start, number, out)
        normal = self._correlated({key: standard_normal(uniform[key]) for key in self.mixed})
        return {k: d.of_normal(normal[k]) if k in normal else d.of_uniform(uniform[k]) for k, d in self.varied.items()}

    def _random(self, number: int, out: dict[str, Block]) -> dict[str, Any]:
        work = self._work[: len(next(iter(out.values())))]
        normal = {}
        for key in self.mixed:
            normal[key] = self._stream(key, number).standard_normal(out=out[key])
        normal = self._correlated(normal)
        return {
            key: d.of_normal(normal[key]) if key in normal else d.draw(self._stream(key, number), out[key], work)
            for key, d in self.varied.items()
        }

    def _stream(self, key: str, number: int) -> np.random.Generator:
        """The generator of an input at the start of a block."""
        generator, start = self._streams[key]
        bits: Any = generator.bit_generator
        bits.state = start
        bits.advance(number * _BLOCK_STEPS)
        return generator

    @cached_property
    def _streams(self) -> dict[str, tuple[np.random.Generator, Any]]:
        made = {key: np.random.PCG64DXSM(_seeds(self.seed, "draws", key)) for key in self.varied}
        return {key: (np.random.Generator(bits), bits.state) for key, bits in made.items()}

    def _correlated(self, normal: dict[str, Block]) -> dict[str, Block]:
        """Independent normal numbers mixed, so that their ranks correlate as asked; no library's thread has a say."""
        if not normal:
            return {}
        columns = [normal[key] for key in self.mixed]
        found = {}
        for key, row in zip(self.mixed, self.mix, strict=True):
            column = columns[0] * row[0]
            for other, weight in zip(columns[1:], row[1:], strict=True):
                if weight:
                    column += other * weight
            found[key] = column
        return found

    def _grid(self, start: int, size: int) -> dict[str, Any]:
        """Every combination, the last input varying fastest."""
        at = np.arange(start, start + size)
        found: dict[str, Any] = {}
        for key, d in reversed([*self.varied.items()]):
            table = points(d)
            at, digit = np.divmod(at, len(table))
            found[key] = table[digit]
        return {key: found[key] for key in self.varied}

    def _sobol(self, start: int, out: dict[str, Block]) -> dict[str, Block]:
        if self._sequence is None or self._sequence.num_generated > start:
            self._sequence = self._from_the_start()
        if start > self._sequence.num_generated:
            self._sequence.fast_forward(start - self._sequence.num_generated)
        size = len(next(iter(out.values())))
        drawn = self._sequence.random(1 << (size - 1).bit_length())  # it goes by powers of two; the rest is not used
        for n, column in enumerate(out.values()):
            np.add(drawn[:size, n], HALF_STEP, out=column)
        return out

    def _from_the_start(self) -> Any:
        from scipy.stats import qmc

        rng = np.random.default_rng(_seeds(self.seed, "sobol", ""))
        return qmc.Sobol(len(self.varied), scramble=True, bits=30 if self.n <= 1 << 30 else 62, rng=rng)

    def _latin(self, start: int, number: int, out: dict[str, Block]) -> dict[str, Block]:
        for key, column in out.items():
            self._stream(key, number).random(out=column)
            stratum = self._strata[key].at(np.arange(start, start + len(column), dtype=np.uint64))
            np.add(column, stratum, out=column)
            np.divide(column, self.n, out=column)
        return out

    @cached_property
    def _strata(self) -> dict[str, Permutation]:
        return {key: Permutation(self.n, _seeds(self.seed, "strata", key)) for key in self.varied}


class Permutation:
    """A permutation of 0 ... n-1 that any part of can be had without the rest.

    Rounds of steps each of which maps k bits onto k bits one to one; what lands beyond n goes round again.
    """

    ROUNDS = 6

    def __init__(self, n: int, seeds: np.random.SeedSequence) -> None:
        self.n = n
        bits = max(2, (n - 1).bit_length())
        self.mask = np.uint64((1 << bits) - 1)
        self.shift = np.uint64(max(1, bits // 2))
        keys = seeds.generate_state(2 * self.ROUNDS, np.uint64)
        self.rounds = [(add & self.mask, factor & self.mask | np.uint64(1)) for add, factor in keys.reshape(-1, 2)]

    def at(self, places: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """What stands at these places."""
        found = self._once(places)
        while (beyond := np.flatnonzero(found >= self.n)).size:
            found[beyond] = self._once(found[beyond])
        return found

    def _once(self, x: NDArray[np.uint64]) -> NDArray[np.uint64]:
        for add, factor in self.rounds:
            x = (x + add) & self.mask
            x ^= x >> self.shift
            x = (x * factor) & self.mask
            x ^= x >> self.shift
        return x


def points(d: Distribution) -> Any:
    """The values that a grid takes of what varies."""
    assert isinstance(d, Discrete)  # noqa: S101  (a study with anything else is no grid)
    return d.table


def grid_size(varied: Mapping[str, Distribution]) -> int:
    """How many combinations there are."""
    return math.prod(len(d.values) for d in varied.values() if isinstance(d, Discrete))


def known_method(method: str) -> str:
    """Refuse what is no method.

    Raises:
        UsageError: It is none; says which there are.
    """
    if method not in METHODS:
        raise UsageError(f"no method {method!r}; there are {', '.join(METHODS)}")
    return method


def _seeds(seed: int, purpose: str, key: str) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=tuple(f"{purpose} {key}".encode()))
